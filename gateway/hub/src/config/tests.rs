use super::*;

const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn good() -> String {
    format!(
        "dir = \"data\"\n[mqtt]\nhost = \"127.0.0.1\"\nport = 1884\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [clock.simulated]\nstart = \"2020-09-03T00:00:00Z\"\nrate = 600\n\
         [[gateway]]\nid = \"lab-1\"\nsite = \"SITE-LAB1\"\nkind = \"laboratory\"\nkey = \"{KEY}\"\n"
    )
}

fn read(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    fs::write(&path, text).unwrap();
    Config::read(&path)
}

#[test]
fn a_whole_configuration_is_read() {
    let config = read(&good()).unwrap();
    assert!(config.dir.ends_with("data") && config.dir.is_absolute());
    assert_eq!((config.mqtt.port, config.mqtt.client.as_str()), (1884, "waypost-hub"));
    let [place] = config.places.as_slice() else { panic!("one gateway") };
    assert_eq!((place.gateway.as_str(), place.name.as_str()), ("lab-1", "SITE-LAB1"));
    let usual = read(&good().replace("port = 1884\n", "")).unwrap();
    assert_eq!(usual.mqtt.port, 1883, "a broker's usual port needs no line");
}

/// A section for enrolment at this address, before the next one.
fn enrolling(address: &str) -> String {
    format!("[enrol]\nlisten = \"127.0.0.1:8091\"\naddress = \"{address}\"\n\n[http]")
}

#[test]
fn a_fault_names_file_line_and_remedy() {
    let double =
        format!("{}[[gateway]]\nid = \"lab-1\"\nsite = \"S\"\nkind = \"vehicle\"\nkey = \"{KEY}\"\n", good());
    let clone = double.replacen("lab-1", "lab-2", 1);
    for (text, line, what, remedy) in [
        (good().replace("host =", "hots ="), 3, "unknown key `hots` in [mqtt]", "`host`"),
        (good().replace("[http]", "[htpp]"), 5, "unknown key `htpp`", "`http`"),
        (
            good().replace("site =", "whereabouts ="),
            12,
            "unknown key `whereabouts`",
            "id, site, kind, name, key",
        ),
        (good().replace("127.0.0.1\"\nport", "10.0.0.7\"\nport"), 3, "another machine", "[mqtt.tls]"),
        (good().replace("127.0.0.1:0", "127.0.0.1"), 6, "no address with a port", "127.0.0.1:8080"),
        (good().replace("127.0.0.1:0", "0.0.0.0:80"), 6, "no sign-in", "loopback"),
        (good().replace("1884", "0"), 4, "port 0", "1883"),
        (
            good().replace("[http]", &enrolling("fe80::1:8091")),
            7,
            "no host with a port",
            "hub.example.org:8091",
        ),
        (
            good().replace("[http]", &enrolling("hub:8091/x")),
            7,
            "no host with a port",
            "hub.example.org:8091",
        ),
        (good().replace("600", "-1"), 9, "simulated clock", "600"),
        (good().replace(KEY, "abc"), 14, "64 hex", "--help"),
        (good().replace("laboratory", "lavatory"), 13, "unknown variant", "--help"),
        (double, 16, "listed twice", "entry"),
        (clone, 19, "another gateway's", "waypost init"),
    ] {
        let message = read(&text).unwrap_err().to_string();
        let place = format!("hub.toml:{line}: ");
        assert!(message.contains(&place), "{message} should be at line {line}");
        assert!(message.contains(what) && message.contains(remedy), "{message}");
    }
}
