//! A way to Asterisk on which one request goes through and its answer does not.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Passes everything on to `url`, but for answers to requests that begin with `request`. Lives
/// as long as the test's process. Returns the URL to use instead.
pub(crate) fn proxy(url: &str, request: &'static str) -> String {
    let to = url.strip_prefix("http://").expect("plain HTTP").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let server = TcpStream::connect(&to).expect("Asterisk listens");
            let stalled = Arc::new(AtomicBool::new(false));
            let (up, down) = (copy(&client), copy(&server));
            let sees = Arc::clone(&stalled);
            thread::spawn(move || {
                pass(&up, &server, |sent| {
                    if sent.starts_with(request.as_bytes()) {
                        sees.store(true, Ordering::SeqCst);
                    }
                });
            });
            thread::spawn(move || {
                pass(&down, &client, |_| {
                    while stalled.load(Ordering::SeqCst) {
                        thread::park();
                    }
                });
            });
        }
    });
    format!("http://{addr}")
}

fn copy(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a copy")
}

/// Copies until either end is gone, and shows every piece first.
fn pass(mut from: &TcpStream, mut to: &TcpStream, mut see: impl FnMut(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        see(&bytes[..n]);
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    // The other end learns of it, if it is there.
    let _ = to.shutdown(Shutdown::Both);
}
