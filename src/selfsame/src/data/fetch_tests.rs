//! Fetching from servers on this machine, some of them badly behaved.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::data::unpack::tests::archive;

/// What one served file does.
#[derive(Clone, Copy, PartialEq)]
enum Manners {
    /// Honours `Range`.
    Ranges,
    /// Sends everything whatever is asked for.
    IgnoresRange,
    /// Sends another part than the one that was asked for.
    WrongRange,
    /// There is no such file.
    Missing,
}

/// A server on 127.0.0.1 that serves `bytes` under any path; it lives as long as the test's process.
struct Server {
    url: String,
    /// The `Range` header of each request, empty where there was none.
    ranges: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(bytes: Vec<u8>, manners: Manners) -> Server {
        let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", server.server_addr().to_ip().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = ranges.clone();
        thread::spawn(move || {
            for request in server.incoming_requests() {
                let range = request.headers().iter().find(|h| h.field.equiv("Range"));
                let range = range.map_or(String::new(), |h| h.value.to_string());
                seen.lock().unwrap().push(range.clone());
                let from = range.strip_prefix("bytes=").and_then(|r| r.strip_suffix('-')?.parse().ok());
                request.respond(answer(&bytes, manners, from)).unwrap();
            }
        });
        Server { url, ranges }
    }

    fn ranges(&self) -> Vec<String> {
        self.ranges.lock().unwrap().clone()
    }
}

fn answer(bytes: &[u8], manners: Manners, from: Option<usize>) -> tiny_http::Response<io::Cursor<Vec<u8>>> {
    let n = bytes.len();
    let with_range = |response: tiny_http::Response<io::Cursor<Vec<u8>>>, range: String| {
        response.with_header(tiny_http::Header::from_bytes("Content-Range", range).unwrap())
    };
    let whole = tiny_http::Response::from_data(bytes);
    match (manners, from) {
        (Manners::Missing, _) => tiny_http::Response::from_data("gone").with_status_code(404),
        (Manners::IgnoresRange, _) | (_, None) => whole,
        (Manners::WrongRange, Some(_)) => {
            with_range(whole.with_status_code(206), format!("bytes 0-{}/{n}", n - 1))
        }
        (Manners::Ranges, Some(from)) if from >= n => {
            with_range(tiny_http::Response::from_data("").with_status_code(416), format!("bytes */{n}"))
        }
        (Manners::Ranges, Some(from)) => with_range(
            tiny_http::Response::from_data(&bytes[from..]).with_status_code(206),
            format!("bytes {from}-{}/{n}", n - 1),
        ),
    }
}

/// The URL of a server that promises `bytes`, sends the first `sent` of them to its only visitor and hangs up.
fn hangs_up(bytes: Vec<u8>, sent: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len()).unwrap();
        stream.write_all(&bytes[..sent]).unwrap();
    });
    url
}

/// The URL of a server that answers every visitor with `head` and then, until the visitor goes, with zeros; and how many it
/// has written.
fn endless(head: &'static str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a/file", listener.local_addr().unwrap());
    let written = Arc::new(AtomicU64::new(0));
    let count = written.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, count) = (stream.unwrap(), count.clone());
            thread::spawn(move || {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                stream.write_all(head.as_bytes()).unwrap();
                while stream.write_all(&[0; 1 << 16]).is_ok() {
                    count.fetch_add(1 << 16, Ordering::SeqCst);
                }
            });
        }
    });
    (url, written)
}

fn content() -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn entry(url: &str, bytes: &[u8]) -> CatalogEntry {
    let file =
        RemoteFile { name: "toy.gz".into(), url: url.into(), bytes: bytes.len() as u64, sha256: hex(bytes) };
    CatalogEntry {
        name: "toy".into(),
        about: String::new(),
        homepage: String::new(),
        files: vec![file],
        unpacked: vec![],
    }
}

/// Fetches and returns the outcome with the stages it went through, repeats left out.
fn run(entry: &CatalogEntry, dest: &Path) -> (Result<PathBuf>, Vec<FetchStage>) {
    let mut stages = Vec::new();
    let outcome = fetch(entry, dest, &mut |p| {
        assert!(p.done <= p.total && p.file == "toy.gz");
        stages.push(p.stage);
    });
    stages.dedup();
    (outcome, stages)
}

/// Names in a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_whole_download_is_checked_and_not_made_twice() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(content(), Manners::Ranges));
    let entry = entry(&server.url, &content());
    let (folder, stages) = run(&entry, dir.path());
    assert_eq!(folder.unwrap(), dir.path().join("toy"));
    assert_eq!(stages, [FetchStage::Downloading, FetchStage::Checking, FetchStage::Checked]);
    assert_eq!(fs::read(dir.path().join("toy/toy.gz")).unwrap(), content());
    assert_eq!(names(&dir.path().join("toy")), ["toy.gz"]);
    let (again, stages) = run(&entry, dir.path());
    assert!(again.is_ok());
    assert_eq!(stages, [FetchStage::Present]);
    assert_eq!(server.ranges(), [""]);
}

#[test]
fn a_server_that_hangs_up_leaves_a_part_and_the_next_fetch_resumes_it() {
    let dir = tempfile::tempdir().unwrap();
    let (cut, _) = run(&entry(&hangs_up(content(), 100_000), &content()), dir.path());
    let message = cut.unwrap_err().to_string();
    assert!(message.contains("/file, byte 100000: the download was cut"), "{message}");
    assert!(
        message.ends_with("Expected 300000 bytes. Fetch again: it goes on where it stopped."),
        "{message}"
    );
    assert_eq!(names(&dir.path().join("toy")), ["toy.gz.part"]);
    let server = Server::start(content(), Manners::Ranges);
    let mut first = None;
    fetch(&entry(&server.url, &content()), dir.path(), &mut |p| {
        first.get_or_insert(p.done);
    })
    .unwrap();
    assert_eq!(first, Some(100_000));
    assert_eq!(server.ranges(), ["bytes=100000-"]);
    assert_eq!(fs::read(dir.path().join("toy/toy.gz")).unwrap(), content());
    assert_eq!(names(&dir.path().join("toy")), ["toy.gz"]);
}

/// Fetches with `part` lying there from before; the right bytes must come out whatever it held.
fn resume(part: &[u8], manners: Manners) -> Vec<String> {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(content(), manners));
    fs::create_dir(dir.path().join("toy")).unwrap();
    fs::write(dir.path().join("toy/toy.gz.part"), part).unwrap();
    run(&entry(&server.url, &content()), dir.path()).0.unwrap();
    assert_eq!(fs::read(dir.path().join("toy/toy.gz")).unwrap(), content());
    server.ranges()
}

#[test]
fn a_server_without_ranges_starts_over() {
    let begun = &content()[..5000];
    assert_eq!(resume(begun, Manners::IgnoresRange), ["bytes=5000-"]);
    assert_eq!(resume(begun, Manners::WrongRange), ["bytes=5000-", ""]);
}

#[test]
fn a_part_that_is_whole_is_only_checked_and_one_too_long_made_again() {
    assert_eq!(resume(&content(), Manners::Ranges), [""; 0]);
    let long = [&content()[..], b"more"].concat();
    assert_eq!(resume(&long, Manners::Ranges), [""]);
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(content(), Manners::Ranges));
    let mut expected = content();
    expected[77] ^= 1;
    let (outcome, _) = run(&entry(&server.url, &expected), dir.path());
    let message = outcome.unwrap_err().to_string();
    assert!(message.contains(&hex(&content())) && message.contains(&hex(&expected)), "{message}");
    assert!(names(&dir.path().join("toy")).is_empty());
    // So does a part that was damaged before it was resumed.
    fs::write(dir.path().join("toy/toy.gz.part"), [9; 100]).unwrap();
    assert!(run(&entry(&server.url, &content()), dir.path()).0.is_err());
    assert!(names(&dir.path().join("toy")).is_empty());
    assert!(run(&entry(&server.url, &content()), dir.path()).0.is_ok());
}

#[test]
fn a_missing_file_and_a_server_that_is_not_there_are_named() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(vec![], Manners::Missing));
    let (outcome, _) = run(&entry(&server.url, &content()), dir.path());
    let message = outcome.unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: the server answered 404 Not Found.", server.url)), "{message}");
    assert!(names(&dir.path().join("toy")).is_empty());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/file");
    let message = run(&entry(&url, &content()), dir.path()).0.unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot download {url}: ")), "{message}");
}

#[test]
fn a_file_of_the_users_is_left_alone_and_a_folder_that_cannot_be_made_is_named() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(content(), Manners::Ranges));
    let entry = entry(&server.url, &content());
    fs::create_dir(dir.path().join("toy")).unwrap();
    fs::write(dir.path().join("toy/toy.gz"), b"mine").unwrap();
    let message = run(&entry, dir.path()).0.unwrap_err().to_string();
    assert!(
        message.contains("there is a file with SHA-256") && message.contains("Move it away"),
        "{message}"
    );
    assert_eq!(fs::read(dir.path().join("toy/toy.gz")).unwrap(), b"mine");
    let under_a_file = dir.path().join("toy/toy.gz");
    let message = run(&entry, &under_a_file).0.unwrap_err().to_string();
    assert!(message.starts_with("cannot create "), "{message}");
    assert!(server.ranges().is_empty());
}

#[test]
fn an_archive_is_unpacked_and_removed() {
    let packed = archive(&[("top/x.bin", b"one"), ("top/y.bin", b"two")]);
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(packed.clone(), Manners::Ranges));
    let entry = CatalogEntry { unpacked: vec!["x.bin".into()], ..entry(&server.url, &packed) };
    let (folder, stages) = run(&entry, dir.path());
    assert_eq!(names(&folder.unwrap()), ["x.bin", "y.bin"]);
    assert_eq!(stages.last(), Some(&FetchStage::Unpacking));
    assert_eq!(names(dir.path()), ["toy"]);
    assert_eq!(run(&entry, dir.path()).1, [FetchStage::Present]);
    fs::remove_file(dir.path().join("toy/x.bin")).unwrap();
    let message = run(&entry, dir.path()).0.unwrap_err().to_string();
    assert!(message.contains("the folder is not empty and holds no 'x.bin'"), "{message}");
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn a_download_ends_with_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3100000000\r\n\r\n"] {
        let (url, written) = endless(head);
        let message = run(&entry(&url, &content()), dir.path()).0.unwrap_err().to_string();
        assert!(
            message.contains("bytes") && message.contains(". Expected 300000 bytes. Nothing of it"),
            "{message}"
        );
        assert!(names(&dir.path().join("toy")).is_empty());
        // What the system holds on the way to a reader who does not read is counted too.
        assert!(written.load(Ordering::SeqCst) < 64 << 20);
    }
    // A part that is longer than the file goes too.
    let part = dir.path().join("toy/toy.gz.part");
    fs::write(&part, vec![0; 400_000]).unwrap();
    let (url, _) = endless("HTTP/1.1 404 Not Found\r\n\r\n");
    assert!(run(&entry(&url, &content()), dir.path()).0.is_err());
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[cfg(unix)]
#[test]
fn a_link_where_a_part_lies_is_not_followed() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(content(), Manners::Ranges));
    let precious = dir.path().join("precious");
    fs::write(&precious, "keep").unwrap();
    fs::create_dir(dir.path().join("toy")).unwrap();
    std::os::unix::fs::symlink(&precious, dir.path().join("toy/toy.gz.part")).unwrap();
    let message = run(&entry(&server.url, &content()), dir.path()).0.unwrap_err().to_string();
    assert!(message.contains("toy.gz.part: it is a link"), "{message}");
    assert_eq!(fs::read(&precious).unwrap(), b"keep");
}

/// A server that sends everybody on to `to`, which may name the server itself as `{}`.
fn sends_on(to: &str) -> Server {
    let server = tiny_http::Server::http("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a/file", server.server_addr().to_ip().unwrap());
    let (to, ranges) = (to.replace("{}", &url), Arc::new(Mutex::new(Vec::new())));
    let seen = ranges.clone();
    thread::spawn(move || {
        for request in server.incoming_requests() {
            seen.lock().unwrap().push(request.url().to_string());
            let location = tiny_http::Header::from_bytes("Location", to.as_bytes()).unwrap();
            request.respond(tiny_http::Response::empty(302).with_header(location)).unwrap();
        }
    });
    Server { url, ranges }
}

#[test]
fn a_server_that_sends_on_is_followed_as_far_as_files_are_fetched() {
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(content(), Manners::Ranges));
    let there = sends_on(&server.url);
    run(&entry(&there.url, &content()), dir.path()).0.unwrap();
    assert_eq!(fs::read(dir.path().join("toy/toy.gz")).unwrap(), content());

    let says = |url: &str| {
        let dir = tempfile::tempdir().unwrap();
        let message = run(&entry(url, &content()), dir.path()).0.unwrap_err().to_string();
        assert!(names(&dir.path().join("toy")).is_empty());
        message
    };
    let begun = std::time::Instant::now();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = says(&sends_on(&format!("http://{free}/x")).url);
    assert!(message.contains(&format!("the server sends on to http://{free}/x (")), "{message}");
    let message = says(&sends_on("file:///etc/passwd").url);
    assert!(
        message.contains("sends on to file:///etc/passwd (files are fetched over http and https only)"),
        "{message}"
    );
    let round = sends_on("{}");
    assert!(says(&round.url).contains("too often"));
    assert_eq!(round.ranges().len(), 11);
    // What comes with it is not waited for, nor read.
    let (url, written) = endless("HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\n\r\n");
    let message = says(&url);
    assert!(message.starts_with(&url) && message.contains("sends on to gopher://x/"), "{message}");
    assert!(written.load(Ordering::SeqCst) < 64 << 20);
    let (url, _) = endless("HTTP/1.1 302 Found\r\n\r\n");
    assert!(says(&url).contains("sends on elsewhere (it does not say where)"));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn where_a_server_sends_on_to_is_read_as_it_is_meant() {
    for (url, to, expected) in [
        ("http://a.b/c/d?e", "http://x/y", "http://x/y"),
        ("http://a.b/c/d?e", "https://x/y#z", "https://x/y"),
        ("https://a.b/c/d", "//x/y", "https://x/y"),
        ("https://a.b:1/c/d?e=/f", "/y?a:b", "https://a.b:1/y?a:b"),
        ("https://a.b/c/d?e=/f", "y", "https://a.b/c/y"),
        ("https://a.b", "y", "https://a.b/y"),
    ] {
        assert_eq!(sent_on(url, to).as_deref(), Ok(expected), "{url} to {to}");
    }
    for to in ["http://x/y", "ftp://x/y", "javascript:x", "data:,x"] {
        assert!(sent_on("https://a.b/c", to).is_err(), "{to}");
    }
}
