//! A-law over RTP: a tone goes out, and what comes in is listened to.

use std::f64::consts::TAU;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// The length of a packet.
pub(super) const PACKET: Duration = Duration::from_millis(20);
const SAMPLES: usize = 160;
const RATE: u32 = 8000;
/// A-law of nothing: the least positive and negative samples.
const SILENCE: [u8; 2] = [0xD5, 0x55];

/// A second of a tone as A-law.
pub(super) fn tone(hz: f64) -> Vec<u8> {
    let sample = |i: u32| (TAU * hz * f64::from(i) / f64::from(RATE)).sin() * 8000.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is within ±8000")]
    (0..RATE).map(|i| alaw(sample(i) as i16)).collect()
}

fn alaw(sample: i16) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    let magnitude = u16::try_from(i32::from(sample).abs() >> 4).unwrap_or(0x7FF);
    let mut exponent = 0;
    while magnitude >> exponent > 0x1F {
        exponent += 1;
    }
    let mantissa = if magnitude > 0x0F {
        exponent += 1;
        (magnitude >> (exponent - 1)) & 0x0F
    } else {
        magnitude
    };
    let code = sign | u8::try_from(exponent << 4 | mantissa).unwrap_or(0x7F);
    code ^ 0x55
}

/// One call's audio.
#[derive(Debug)]
pub(super) struct Sound {
    socket: UdpSocket,
    to: Option<SocketAddr>,
    sends: bool,
    next: Instant,
    sequence: u16,
}

impl Sound {
    pub(super) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket can be so");
        Self {
            socket,
            to: None,
            sends: false,
            next: Instant::now(),
            sequence: 0,
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.socket.local_addr().expect("it is bound").port()
    }

    /// From what the other side says of itself.
    pub(super) fn aim(&mut self, sdp: &str) {
        let port = sdp.lines().find_map(|line| line.strip_prefix("m=audio "));
        let port = port.and_then(|rest| rest.split(' ').next()?.parse().ok());
        self.to = port.map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
    }

    pub(super) fn send(&mut self, on: bool) {
        self.sends = on;
        self.next = Instant::now();
    }

    /// Sends what is due. A thread that was held up does not make up for it.
    pub(super) fn play(&mut self, tone: &[u8]) {
        let now = Instant::now();
        let (true, Some(to)) = (self.sends && now >= self.next, self.to) else {
            return;
        };
        self.next = now.max(self.next + PACKET);
        let first = u32::from(self.sequence) * 160;
        let mut packet = vec![0x80, 8];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(first.to_be_bytes());
        packet.extend([0, 0, 0, 1]);
        let at = first as usize % tone.len();
        packet.extend(&tone[at..at + SAMPLES]);
        self.sequence = self.sequence.wrapping_add(1);
        // The other side may have closed its port.
        let _ = self.socket.send_to(&packet, to);
    }

    /// How many packets with sound have come.
    pub(super) fn listen(&self) -> u32 {
        let mut heard = 0;
        let mut packet = [0; 1500];
        while let Ok(length) = self.socket.recv(&mut packet) {
            let payload = packet.get(12..length).unwrap_or_default();
            heard += u32::from(payload.iter().any(|byte| !SILENCE.contains(byte)));
        }
        heard
    }
}
