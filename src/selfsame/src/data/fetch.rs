//! Downloading public data sets: resumable, checked, and never half-written under the final name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::{Agent, Body};

use super::catalog::{CatalogEntry, RemoteFile};
use super::unpack::{unpack, with_suffix};
use crate::error::{Error, Place, Result};
use crate::files::{self, open_own};
use crate::interrupt::interrupted;

/// How often a server may send on to another address.
const MOST_REDIRECTS: usize = 10;

/// What a fetch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchStage {
    /// The file was there already, whole.
    Present,
    /// Bytes are arriving.
    Downloading,
    /// All bytes are there; their checksum is being computed.
    Checking,
    /// The checksum was right.
    Checked,
    /// The archive is being unpacked.
    Unpacking,
}

/// How far a fetch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchProgress<'a> {
    /// The file this is about.
    pub file: &'a str,
    /// What is being done with it.
    pub stage: FetchStage,
    /// Bytes of it that are here, those of an earlier, cut download among them.
    pub done: u64,
    /// Bytes it has in all.
    pub total: u64,
}

/// Downloads `entry` to the folder `dest/NAME` and returns that folder. What is there already is checked and not
/// downloaded again.
///
/// Each file arrives as `FILE.part`, is checked against its SHA-256, synced and renamed; a cut download goes on where it
/// stopped when fetched again, where the server allows it. An archive is unpacked and then removed. `progress` is called
/// many times a second.
///
/// # Errors
/// A folder that cannot be written; a server that cannot be reached, answers with an error or hangs up (what came is
/// kept); one that sends on to where nothing is fetched from, or more bytes than the file has (what came is removed); a checksum that is not right (what came is removed); a file that is there already with other bytes (it is
/// left alone); [`Error::Interrupted`] when asked to stop (what came is kept).
///
/// ```
/// use selfsame::data::{fetch, find};
/// selfsame::interrupt();
/// let folder = std::env::temp_dir().join("selfsame-never-fetched");
/// assert!(matches!(fetch(&find("mnist")?, &folder, &mut |_| {}), Err(selfsame::Error::Interrupted)));
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), selfsame::Error>(())
/// ```
pub fn fetch(
    entry: &CatalogEntry,
    dest: impl AsRef<Path>,
    progress: &mut dyn FnMut(FetchProgress<'_>),
) -> Result<PathBuf> {
    let dest = dest.as_ref();
    let folder = dest.join(&entry.name);
    let agent = agent();
    if entry.unpacked.is_empty() {
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        for file in &entry.files {
            fetch_file(&agent, file, &folder.join(&file.name), progress)?;
        }
        return Ok(folder);
    }
    fs::create_dir_all(dest).map_err(Error::io("create", dest))?;
    for file in &entry.files {
        if is_unpacked(&folder, &entry.unpacked)? {
            progress(report(file, FetchStage::Present, file.bytes));
            continue;
        }
        let archive = dest.join(&file.name);
        fetch_file(&agent, file, &archive, progress)?;
        progress(report(file, FetchStage::Unpacking, file.bytes));
        unpack(&archive, &folder, &entry.unpacked)?;
        fs::remove_file(&archive).map_err(Error::io("remove", &archive))?;
    }
    Ok(folder)
}

fn report(file: &RemoteFile, stage: FetchStage, done: u64) -> FetchProgress<'_> {
    FetchProgress { file: &file.name, stage, done, total: file.bytes.max(done) }
}

/// Whether `folder` holds the unpacked set; an error where it holds something else.
fn is_unpacked(folder: &Path, expected: &[String]) -> Result<bool> {
    let Ok(mut entries) = fs::read_dir(folder) else { return Ok(false) };
    if entries.next().is_none() {
        return Ok(false);
    }
    match expected.iter().find(|name| !folder.join(name).is_file()) {
        None => Ok(true),
        Some(missing) => Err(Error::input(
            folder,
            Place::Whole,
            format!("the folder is not empty and holds no '{missing}'"),
            "an empty folder, none, or the whole data set",
            "Move the folder away, or fetch to another one.",
        )),
    }
}

fn agent() -> Agent {
    let patience = Some(Duration::from_secs(60));
    Agent::config_builder()
        .http_status_as_error(false)
        // They are followed here, where it is seen where to, and what comes with them is not read.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        .user_agent(concat!("selfsame/", env!("CARGO_PKG_VERSION")))
        // The files are gzip themselves: their bytes must come as they are.
        .accept_encoding("identity")
        .build()
        .into()
}

/// Makes sure that `path` is the file, with the right checksum.
fn fetch_file(
    agent: &Agent,
    file: &RemoteFile,
    path: &Path,
    progress: &mut dyn FnMut(FetchProgress<'_>),
) -> Result<()> {
    if path.exists() {
        let (bytes, found) = sha256(path)?;
        if found == file.sha256 {
            progress(report(file, FetchStage::Present, bytes));
            return Ok(());
        }
        return Err(Error::input(
            path,
            Place::Whole,
            format!("there is a file with SHA-256 {found} already"),
            format!("none, or the one with SHA-256 {}", file.sha256),
            "Move it away, or fetch to another folder.",
        ));
    }
    let part = with_suffix(path, ".part");
    download(agent, file, &part, progress)?;
    let length = fs::metadata(&part).map_err(Error::io("read", &part))?.len();
    progress(report(file, FetchStage::Checking, length));
    let (bytes, found) = sha256(&part)?;
    if found != file.sha256 {
        fs::remove_file(&part).map_err(Error::io("remove", &part))?;
        return Err(Error::input(
            &file.url,
            Place::Whole,
            format!("{bytes} bytes with SHA-256 {found}"),
            format!("{} bytes with SHA-256 {}", file.bytes, file.sha256),
            "What came was removed. Fetch again; if it comes out the same, the server has another file now.",
        ));
    }
    open_own(&part, OpenOptions::new().append(true))?.sync_all().map_err(Error::io("write", &part))?;
    fs::rename(&part, path).map_err(Error::io("rename", &part))?;
    progress(report(file, FetchStage::Checked, bytes));
    Ok(())
}

/// Brings `part` to the file's full length, from where it is.
fn download(
    agent: &Agent,
    file: &RemoteFile,
    part: &Path,
    progress: &mut dyn FnMut(FetchProgress<'_>),
) -> Result<()> {
    // What is longer than the file is no part of it.
    let have = fs::metadata(part).map_or(0, |m| m.len());
    if have > 0 && have == file.bytes {
        return Ok(());
    }
    let have = if have > file.bytes { 0 } else { have };
    let mut response = request(agent, file, have)?;
    let mut from = 0;
    match (response.status().as_u16(), content_range(&response)) {
        (206, Some((Some(start), _))) if have > 0 && start == have => from = have,
        // The server cannot go on from there: from the start, then.
        (206 | 416, _) if have > 0 => response = request(agent, file, 0)?,
        _ => {}
    }
    let status = response.status();
    if from == 0 && status.as_u16() != 200 {
        return Err(Error::input(
            &file.url,
            Place::Whole,
            format!("the server answered {status}"),
            "the file",
            "Try again later; if it stays so, the file has moved.",
        ));
    }
    let total = response.body().content_length().map(|length| from.saturating_add(length));
    if let Some(total) = total.filter(|total| *total > file.bytes) {
        return Err(more(file, part, &format!("{total} bytes")));
    }
    let mut out = open_own(part, OpenOptions::new().append(true).create(true))?;
    if from == 0 {
        out.set_len(0).map_err(Error::io("write", part))?;
    }
    let received = receive(&mut response.body_mut().as_reader(), &mut out, part, file, from, progress)?;
    match total {
        Some(total) if received < total => Err(lost(file, received, "the server hung up")),
        _ => Ok(()),
    }
}

/// Asks for the file from byte `from` on, and goes where the server sends on to.
fn request(agent: &Agent, file: &RemoteFile, from: u64) -> Result<Response<Body>> {
    let mut url = file.url.clone();
    for _ in 0..=MOST_REDIRECTS {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        let mut request = agent.get(&url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let response = request.call().map_err(|e| match url == file.url {
            true => Error::io("download", &url)(e.into_io()),
            false => refused(file, &url, &e.to_string()),
        })?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(response);
        }
        let to = response.headers().get("location").and_then(|to| to.to_str().ok());
        let to = to.ok_or_else(|| refused(file, "", "it does not say where"))?;
        url = sent_on(&url, to).map_err(|why| refused(file, to, why))?;
    }
    Err(refused(file, &url, &format!("{MOST_REDIRECTS} times before that, which is too often")))
}

/// Where a server that was asked for `url` sends on to with `Location: to` (RFC 9110, 10.2.2), or why nothing is fetched
/// from there.
fn sent_on(url: &str, to: &str) -> std::result::Result<String, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("the address is none")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let to = to.trim().split('#').next().unwrap_or_default();
    let has_scheme = to.find(':').is_some_and(|colon| !to[..colon].contains(['/', '?']));
    let to = match () {
        () if has_scheme => to.to_string(),
        () if to.starts_with("//") => format!("{scheme}:{to}"),
        () if to.starts_with('/') => format!("{scheme}://{host}{to}"),
        () => {
            let folder = path
                .split('?')
                .next()
                .and_then(|path| path.rsplit_once('/'))
                .map_or("", |(folder, _)| folder);
            format!("{scheme}://{host}{folder}/{to}")
        }
    };
    match to.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).as_deref() {
        Some("https") => Ok(to),
        Some("http") if scheme == "http" => Ok(to),
        Some("http") => Err("nothing that was asked for over https is fetched over http"),
        _ => Err("files are fetched over http and https only"),
    }
}

fn refused(file: &RemoteFile, to: &str, why: &str) -> Error {
    let to = if to.is_empty() { "elsewhere".into() } else { format!("to {to}") };
    let remedy = "Try again later; if it stays so, the file has moved.";
    Error::input(&file.url, Place::Whole, format!("the server sends on {to} ({why})"), "the file", remedy)
}

/// The error for a server that has more than the file; what came of it is removed.
fn more(file: &RemoteFile, part: &Path, found: &str) -> Error {
    let _ = fs::remove_file(part);
    let remedy = "Nothing of it was kept. The server has another file now, or somebody else answered.";
    Error::input(&file.url, Place::Whole, found, format!("{} bytes", file.bytes), remedy)
}

/// First byte and total length out of `Content-Range: bytes FIRST-LAST/TOTAL` or `bytes */TOTAL` (RFC 9110, 14.4).
fn content_range(response: &Response<Body>) -> Option<(Option<u64>, Option<u64>)> {
    let value = response.headers().get("content-range")?.to_str().ok()?;
    let (range, total) = value.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let first = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok());
    Some((first, total.trim().parse().ok()))
}

/// Copies the body to `out` and says how long the file is then.
fn receive(
    body: &mut dyn Read,
    out: &mut File,
    part: &Path,
    file: &RemoteFile,
    from: u64,
    progress: &mut dyn FnMut(FetchProgress<'_>),
) -> Result<u64> {
    let mut done = from;
    let mut buffer = vec![0; 1 << 16];
    progress(report(file, FetchStage::Downloading, done));
    loop {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        let n = match body.read(&mut buffer) {
            Ok(0) => return Ok(done),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(lost(file, done, &e.to_string())),
        };
        if n as u64 > file.bytes.saturating_sub(done) {
            return Err(more(file, part, "more bytes than the file has"));
        }
        out.write_all(&buffer[..n]).map_err(Error::io("write", part))?;
        done += n as u64;
        progress(report(file, FetchStage::Downloading, done));
    }
}

fn lost(file: &RemoteFile, done: u64, why: &str) -> Error {
    Error::input(
        &file.url,
        Place::Byte(done),
        format!("the download was cut ({why})"),
        format!("{} bytes", file.bytes),
        "Fetch again: it goes on where it stopped.",
    )
}

/// Length and SHA-256 of a file.
fn sha256(path: &Path) -> Result<(u64, String)> {
    let mut file = files::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&buffer[..n]);
                length += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("read", path)(e)),
        }
    }
    Ok((length, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
