use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, tcp::OwnedWriteHalf};

use super::*;
use crate::gnss::Fix;

const TPV: &str = r#"{"class":"TPV","device":"/dev/pts/2","mode":3,"time":"2015-03-18T17:19:26.000Z","lat":44.069,"lon":-121.314}"#;
const DEVICES: &str = r#"{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/pts/2"}]}"#;

/// Takes the client's connection, and its wish to be told.
async fn accept(listener: &TcpListener) -> OwnedWriteHalf {
    let (stream, _) = timeout(Duration::from_secs(20), listener.accept()).await.unwrap().unwrap();
    let (mut reader, writer) = stream.into_split();
    let mut asked = vec![0; WATCH.len()];
    reader.read_exact(&mut asked).await.unwrap();
    assert_eq!(asked, WATCH);
    // Held open until the other half goes.
    tokio::spawn(async move { while reader.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {} });
    writer
}

async fn next(events: &mut mpsc::Receiver<GnssEvent>) -> GnssEvent {
    timeout(Duration::from_secs(20), events.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_gpsd_that_goes_away_is_told_once_and_found_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (out, mut events) = mpsc::channel(8);
    let driver = tokio::spawn(run(address.to_string(), out));
    for _ in 0..2 {
        let mut gpsd = accept(&listener).await;
        gpsd.write_all(format!("{DEVICES}\n{TPV}\r\n").as_bytes()).await.unwrap();
        assert_eq!(next(&mut events).await, GnssEvent::Up);
        assert!(matches!(next(&mut events).await, GnssEvent::Time(_)));
        assert!(matches!(next(&mut events).await, GnssEvent::Fix(Fix { lat: 44.069, .. })));
        // In the middle of a line.
        gpsd.write_all(TPV.get(..40).unwrap().as_bytes()).await.unwrap();
        drop(gpsd);
        assert!(matches!(next(&mut events).await, GnssEvent::Down(_)));
    }
    driver.abort();
}

#[tokio::test]
async fn a_gpsd_without_a_receiver_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (out, mut events) = mpsc::channel(8);
    let driver = tokio::spawn(run(listener.local_addr().unwrap().to_string(), out));
    let mut gpsd = accept(&listener).await;
    gpsd.write_all(b"{\"class\":\"DEVICES\",\"devices\":[]}\n").await.unwrap();
    assert_eq!(next(&mut events).await, GnssEvent::Down("gpsd has no receiver".to_owned()));
    gpsd.write_all(format!("{DEVICES}\n").as_bytes()).await.unwrap();
    assert_eq!(next(&mut events).await, GnssEvent::Up);
    driver.abort();
}

#[tokio::test]
async fn a_line_without_end_costs_bounded_memory_and_the_next_is_read() {
    let long = [vec![b'x'; 40 * LINE_BYTES_MAX], b"\nshort\nhalf".to_vec()].concat();
    let mut lines = Lines { reader: BufReader::new(long.as_slice()), line: Vec::new(), too_long: false };
    assert!(matches!(lines.next().await, Ok(b"short\n")));
    assert!(lines.line.capacity() <= 2 * LINE_BYTES_MAX);
    assert!(matches!(lines.next().await, Err(Ended::Because(_))));
}
