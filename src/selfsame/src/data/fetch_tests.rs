//! Fetching from servers on this machine, some of them badly behaved.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::TcpListener;
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
    assert_eq!(resume(&content(), Manners::Ranges), ["bytes=300000-"]);
    let long = [&content()[..], b"more"].concat();
    assert_eq!(resume(&long, Manners::Ranges), ["bytes=300004-", ""]);
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
