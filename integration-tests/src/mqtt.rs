//! A small MQTT 3.1.1 client of the tests' own: it publishes and counts, and shares no code with what is tested.

use std::{
    io::{self, BufReader, BufWriter, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A connection. Everything is done by the caller's thread.
pub struct Client {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
    next_id: u16,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// It was kept by the broker.
    pub retained: bool,
}

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;

impl Client {
    /// Connects with this client id. `clean`: the broker forgets the session.
    pub fn connect(port: u16, id: &str, clean: bool) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            reader: BufReader::with_capacity(1 << 16, stream.try_clone()?),
            writer: BufWriter::with_capacity(1 << 16, stream),
            next_id: 0,
        };
        let mut body = vec![0, 4];
        body.extend_from_slice(b"MQTT");
        body.extend_from_slice(&[4, if clean { 2 } else { 0 }, 0, 0]);
        put_text(&mut body, id);
        client.send(CONNECT, &body)?;
        client.writer.flush()?;
        match client.receive()? {
            (CONNACK, body) if body.get(1) == Some(&0) => Ok(client),
            other => Err(io::Error::other(format!("refused: {other:?}"))),
        }
    }

    /// Subscribes at QoS 1 and waits for the broker's word.
    pub fn subscribe(&mut self, filter: &str) -> io::Result<()> {
        let mut body = self.id().to_be_bytes().to_vec();
        put_text(&mut body, filter);
        body.push(1);
        self.send(SUBSCRIBE, &body)?;
        self.writer.flush()?;
        // Retained messages may come first; nobody waits for those here.
        while self.receive()?.0 != SUBACK {}
        Ok(())
    }

    /// Subscribes, and gives the next message; none after `patience`.
    pub fn subscribe_and_wait(&mut self, filter: &str, patience: Duration) -> io::Result<Option<Message>> {
        let mut body = self.id().to_be_bytes().to_vec();
        put_text(&mut body, filter);
        body.push(1);
        self.send(SUBSCRIBE, &body)?;
        self.next(patience)
    }

    /// Puts a message into the buffer, at QoS 1; [`Self::flush`] sends it.
    pub fn publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
        put_text(&mut body, topic);
        body.extend_from_slice(&self.id().to_be_bytes());
        body.extend_from_slice(payload);
        self.send(PUBLISH | 2, &body)
    }

    /// Sends what is in the buffer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// Waits for the broker's word on one published message.
    pub fn wait_puback(&mut self) -> io::Result<()> {
        loop {
            if self.receive()?.0 == PUBACK {
                return Ok(());
            }
        }
    }

    /// Publishes one message and waits until the broker has it.
    pub fn publish_one(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        self.publish(topic, payload)?;
        self.flush()?;
        self.wait_puback()
    }

    /// The next message, acknowledged; none after `patience`.
    pub fn next(&mut self, patience: Duration) -> io::Result<Option<Message>> {
        self.reader.get_ref().set_read_timeout(Some(patience))?;
        loop {
            if self.reader.buffer().is_empty() {
                self.flush()?;
            }
            let (kind, body) = match self.receive() {
                Ok(packet) => packet,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            if kind & 0xF0 != PUBLISH {
                continue;
            }
            let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let topic = String::from_utf8_lossy(&body[2..2 + length]).into_owned();
            let mut at = 2 + length;
            if kind & 0x06 != 0 {
                let id = [body[at], body[at + 1]];
                at += 2;
                self.send(PUBACK, &id)?;
            }
            return Ok(Some(Message { topic, payload: body[at..].to_vec(), retained: kind & 1 == 1 }));
        }
    }

    fn id(&mut self) -> u16 {
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        self.next_id
    }

    fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let mut head = vec![kind];
        let mut length = body.len();
        loop {
            let part = u8::try_from(length % 128).unwrap();
            length /= 128;
            head.push(if length > 0 { part | 0x80 } else { part });
            if length == 0 {
                break;
            }
        }
        self.writer.write_all(&head)?;
        self.writer.write_all(body)
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        let kind = byte[0];
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            self.reader.read_exact(&mut byte)?;
            length |= usize::from(byte[0] & 0x7F) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((kind, body))
    }
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    body.extend_from_slice(text.as_bytes());
}

/// The broker's own count of something, `$SYS/broker/…`.
pub fn broker_count(port: u16, name: &str) -> io::Result<u64> {
    let mut client = Client::connect(port, &format!("count-{port}"), true)?;
    let topic = format!("$SYS/broker/{name}");
    let message = client.subscribe_and_wait(&topic, Duration::from_secs(15))?;
    let text = message.map(|message| String::from_utf8_lossy(&message.payload).into_owned());
    text.and_then(|text| text.trim().parse().ok()).ok_or_else(|| io::Error::other(format!("no {topic}")))
}
