//! The vectors of the GS1 reference suite, the negative ones too.

use super::*;
use crate::code::aim;

fn read(text: &str) -> Option<Result<Elements, Gs1Error>> {
    let (symbology, data) = aim::split(text);
    recognise(data, symbology)
}

fn elements(text: &str) -> Vec<(String, String)> {
    let elements = read(text).unwrap_or_else(|| panic!("{text}: not recognised"));
    let elements = elements.unwrap_or_else(|e| panic!("{text}: {e}"));
    elements.iter().map(|e| (e.ai.to_owned(), e.value.to_owned())).collect()
}

fn refusal(text: &str) -> Gs1Error {
    read(text).unwrap_or_else(|| panic!("{text}: not recognised")).expect_err(text)
}

fn value(ai: u16, fault: Fault) -> Gs1Error {
    Gs1Error::Value { ai: Ai(ai), fault }
}

#[test]
fn bracketed_text_is_read_and_keyed_forms_follow_from_it() {
    for (text, keyed) in [
        ("(01)12345678901231(10)12345", "^01123456789012311012345"),
        ("(10)12345(11)991225", "^1012345^11991225"),
        ("(3100)123456(10)12345", "^31001234561012345"),
        ("(00)376104250021234569", "^00376104250021234569"),
        ("(02)04017773003486(10)0008535(91)0001(37)252", "^0204017773003486100008535^910001^37252"),
    ] {
        let read_back = read(keyed).unwrap().unwrap();
        assert_eq!(read_back, read(text).unwrap().unwrap(), "{text}");
        assert_eq!((read_back.bracketed(), read_back.careted()), (text.to_owned(), keyed.to_owned()));
    }
    assert_eq!(elements("(21)a\\(1)b"), [("21".into(), "a(1)b".into())]);
    assert_eq!(read("^21a(1)b").unwrap().unwrap().bracketed(), "(21)a\\(1)b");
}

#[test]
fn bracketed_text_of_another_form_is_refused() {
    assert_eq!(refusal("(10)(11)98765"), value(10, Fault::Length));
    for text in ["(1A)12345", "(12345)12345", "(1", "(01", "(10)12345(", "(10)12345()", "(1é)1", "(003)1"] {
        assert_eq!(refusal(text), Gs1Error::NoSuchAi, "{text}");
    }
    assert_eq!(refusal("(01)123456789012312(10)12345"), value(1, Fault::Length));
    assert_eq!(refusal("(01)12345678901231(10)12^345"), value(10, Fault::Character));
    assert_eq!(read("(hello)"), None);
    assert_eq!(read("("), None);
}

#[test]
fn keyed_text_is_processed() {
    for (text, expected) in [
        ("^0112345678901231", &[("01", "12345678901231")][..]),
        ("^0112345678901231^", &[("01", "12345678901231")]),
        ("^0112345678901231991234", &[("01", "12345678901231"), ("99", "1234")]),
        ("^800302112345678900ABC", &[("8003", "02112345678900ABC")]),
        ("^800302112345678900", &[("8003", "02112345678900")]),
        ("\u{1D}0112345678901231\u{1D}10A\u{1D}99B", &[("01", "12345678901231"), ("10", "A"), ("99", "B")]),
        ("0112345678901231\u{1D}10A", &[("01", "12345678901231"), ("10", "A")]),
        ("^10A^10A", &[("10", "A"), ("10", "A")]),
    ] {
        let expected: Vec<_> =
            expected.iter().map(|(ai, value)| ((*ai).to_owned(), (*value).to_owned())).collect();
        assert_eq!(elements(text), expected, "{text}");
    }
}

#[test]
fn keyed_text_of_another_form_is_refused() {
    for (text, error) in [
        ("^0112345678901234", value(1, Fault::CheckDigit)),
        ("^011234567890123", value(1, Fault::Length)),
        ("^01123456789012312", Gs1Error::NoSuchAi),
        ("^99~ABC", value(99, Fault::Character)),
        ("^99é", value(99, Fault::Character)),
        ("^800302112345678901ABC", value(8003, Fault::CheckDigit)),
        ("^", Gs1Error::Empty),
        ("^^", Gs1Error::NoSuchAi),
        ("^0112345678901231^^10A", Gs1Error::NoSuchAi),
        ("^01é2345678901231", value(1, Fault::Character)),
        ("^10A^10B", Gs1Error::Repeated(Ai(10))),
        ("^01123456789012313712", Gs1Error::Exclusive(Ai(1), Ai(37))),
        ("^17201301", value(17, Fault::Date)),
        ("^8017376104250021234568", value(8017, Fault::CheckDigit)),
    ] {
        assert_eq!(refusal(text), error, "{text}");
    }
    assert_eq!(read("991234"), None, "nothing says that it is GS1");
    assert_eq!(read("0112345678901231"), None);
}

#[test]
fn scanned_text_is_read_by_its_aim_identifier() {
    for identifier in ["]C1", "]d2", "]Q3", "]e0"] {
        let expected = [("01", "12312312312333"), ("10", "ABC123"), ("99", "TESTING")]
            .map(|(a, v)| (a.to_owned(), v.to_owned()));
        let text = format!("{identifier}011231231231233310ABC123\u{1D}99TESTING");
        assert_eq!(elements(&text), expected);
        assert_eq!(elements(&format!("{text}\u{1D}")), expected, "one at the end is tolerated");
        assert_eq!(refusal(identifier), Gs1Error::Empty);
    }
    assert_eq!(refusal("]C101123123123133^10ABC"), value(1, Fault::Character));
    assert_eq!(refusal("]C110A^10A"), value(10, Fault::Character));
    assert_eq!(read("]C0991234"), None);
}

#[test]
fn retail_codes_are_ai_01_padded_to_14() {
    assert_eq!(elements("]E02112345678900"), [("01".to_owned(), "02112345678900".to_owned())]);
    assert_eq!(elements("]E06291041500213"), [("01".to_owned(), "06291041500213".to_owned())]);
    assert_eq!(elements("]E402345673"), [("01".to_owned(), "00000002345673".to_owned())]);
    assert_eq!(elements("]E3629104150021312"), [("01".to_owned(), "06291041500213".to_owned())]);
    assert_eq!(refusal("]E02112345678901"), value(1, Fault::CheckDigit));
    assert_eq!(refusal("]E0"), Gs1Error::Empty);
    for text in ["]E0211234567890", "]E0abcdefghijklm", "]E0é12345678901", "]E02112345678900123"] {
        assert!(matches!(refusal(text), Gs1Error::Retail | Gs1Error::Value { .. }), "{text}");
    }
}

#[test]
fn parts_of_values_are_checked() {
    for text in [
        "(253)1234567890128DOC",
        "(253)1234567890128",
        "(402)12345678901234560",
        "(414)1234567890128",
        "(4321)1",
        "(4324)2009039999",
        "(4331)000400-",
        "(4331)000400",
        "(4309)02790858483015297971",
        "(7003)2009031830",
        "(7007)200903200904",
        "(7011)200903",
        "(8006)123456789012310102",
        "(8008)20090318",
        "(8008)200903183059",
        "(8010)ABC-1/2#",
        "(8011)0",
        "(8013)1987654Ad4X4bL5ttr2310c2K",
        "(8018)376104250021234569",
        "(11)200200",
        "(422)344",
        "(401)x",
        "(8004)x",
        "(240)x",
        "(250)x",
        "(251)x",
        "(37)1",
        "(20)01",
        "(90)x",
        "(7040)1ABC",
    ] {
        assert!(read(text).is_some_and(|read| read.is_ok()), "{text}: {:?}", read(text));
    }
    for text in [
        "(253)1234567890129",
        "(402)12345678901234561",
        "(414)1234567890129",
        "(4321)2",
        "(4324)2009032460",
        "(4331)000400+",
        "(4309)18000000013600000000",
        "(4309)18000000003600000001",
        "(7003)2009002400",
        "(7003)2009031860",
        "(7007)200903200931",
        "(8006)123456789012310302",
        "(8006)123456789012310002",
        "(8008)20090324",
        "(8008)200903186000",
        "(8008)200903181",
        "(8010)abc",
        "(8011)01",
        "(8013)1987654Ad4X4bL5ttr2310cXK",
        "(21)123456789012345678901",
        "(37)123456789",
        "(37)x",
        "(20)1",
        "(7003)200903",
        "(8001)00000000000000",
    ] {
        assert!(read(text).is_some_and(|read| read.is_err()), "{text}: {:?}", read(text));
    }
}

#[test]
fn elements_are_sent_as_a_list() {
    let elements = read("(01)12345678901231(10)AB").unwrap().unwrap();
    assert_eq!(
        serde_json::to_string(&elements).unwrap(),
        r#"[{"ai":"01","value":"12345678901231"},{"ai":"10","value":"AB"}]"#
    );
}

#[test]
fn a_code_has_a_bounded_number_of_elements() {
    assert_eq!(refusal(&"^2001".repeat(ELEMENTS_MAX + 1)), Gs1Error::TooMany);
    assert_eq!(elements(&"^2001".repeat(ELEMENTS_MAX)).len(), ELEMENTS_MAX);
}
