//! A loopback file server; the first part of a path selects its behaviour: `/ok/NAME`, `/stall/NAME`, …

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(600);

/// The server; it ends with the process.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    files: HashMap<String, Vec<u8>>,
    log: Mutex<Vec<String>>,
}

impl Server {
    /// Serves these files.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().unwrap();
        let files = files.iter().map(|(name, bytes)| (name.to_string(), bytes.to_vec())).collect();
        let shared = Arc::new(Shared { files, log: Mutex::default() });
        let for_all = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = for_all.clone();
                // A client may disconnect early.
                thread::spawn(move || serve(stream, &shared).ok());
            }
        });
        Server { address, shared }
    }

    /// `http://127.0.0.1:port`
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base address for this behaviour.
    pub fn base(&self, behaviour: &str) -> String {
        format!("{}/{behaviour}/", self.address())
    }

    /// The requests so far: method, path, and range if there was one.
    pub fn requests(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (line, range) = request(&mut reader)?;
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        shared.log.lock().unwrap().push(match range {
            Some(from) => format!("{method} {path} from {from}"),
            None => format!("{method} {path}"),
        });
        if method != "CONNECT" {
            return answer(&mut stream, path, range, shared);
        }
        // A proxy's tunnel, which leads to this server whatever host it is for.
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    }
}

/// The first line of a request, and the first byte of its range.
fn request(reader: &mut impl BufRead) -> std::io::Result<(String, Option<usize>)> {
    let (mut first, mut range) = (String::new(), None);
    if reader.read_line(&mut first)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            return Ok((first.trim().to_string(), range));
        }
        if let Some(from) = line.strip_prefix("range: bytes=") {
            range = from.trim_end_matches('-').parse().ok();
        }
    }
}

fn answer(stream: &mut TcpStream, path: &str, range: Option<usize>, shared: &Shared) -> std::io::Result<()> {
    let path =
        path.strip_prefix("http://").and_then(|p| p.split_once('/')).map_or(path.trim_start_matches('/'), |p| p.1);
    let (behaviour, name) = path.split_once('/').unwrap_or((path, ""));
    if let Ok(status) = behaviour.parse::<u16>() {
        return write!(stream, "HTTP/1.1 {status} Sorry\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry");
    }
    let redirect = match behaviour {
        "redirect" => Some(format!("/ok/{name}")),
        "loop" => Some(format!("/loop/{name}")),
        "elsewhere" => Some(format!("ftp://127.0.0.1/{name}")),
        _ => None,
    };
    if let Some(to) = redirect {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    if behaviour == "silent" {
        thread::sleep(FOREVER);
    }
    let Some(file) = shared.files.get(name) else {
        return answer(stream, "/404/", None, shared);
    };
    body(stream, behaviour, file, range)
}

fn body(stream: &mut TcpStream, behaviour: &str, file: &[u8], range: Option<usize>) -> std::io::Result<()> {
    let from = range.filter(|_| behaviour != "norange").unwrap_or(0);
    if from > 0 && from >= file.len() {
        return write!(stream, "HTTP/1.1 416 Beyond\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let mut rest = file[from..].to_vec();
    if from > 0 {
        let (first, last, all) = (if behaviour == "otherrange" { 0 } else { from }, file.len() - 1, file.len());
        write!(stream, "HTTP/1.1 206 Part\r\nContent-Range: bytes {first}-{last}/{all}\r\n")?;
    } else {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    }
    match behaviour {
        "huge" => write!(stream, "Content-Length: 99999999999\r\n")?,
        // Without a length, the end of the connection is the end of the file.
        "endless" | "unsized" => {}
        _ => write!(stream, "Content-Length: {}\r\n", rest.len())?,
    }
    write!(stream, "Connection: close\r\n\r\n")?;
    match behaviour {
        "corrupt" => {
            let middle = rest.len() / 2;
            rest[middle] ^= 1;
        }
        // The first half of what is left; then the connection ends, or stalls.
        "truncate" | "stall" => rest.truncate(rest.len().div_ceil(2)),
        _ => {}
    }
    stream.write_all(&rest)?;
    stream.flush()?;
    match behaviour {
        "stall" => thread::sleep(FOREVER),
        "endless" => loop {
            stream.write_all(&[0; 1 << 16])?;
        },
        _ => {}
    }
    Ok(())
}
