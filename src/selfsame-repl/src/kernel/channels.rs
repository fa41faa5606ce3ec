//! The five sockets of a kernel, and the tasks that serve them.

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jupyter_protocol::connection_info::Transport;
use jupyter_protocol::{ConnectionInfo, JupyterMessage};
use jupyter_zmq_client as jupyter;
use jupyter_zmq_client::{Connection, RuntimeError};
use selfsame::error::{Error, Place};
use selfsame::files::{read_text, MOST_SETTINGS};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};

use super::message::{published, Request};
use super::seen::Seen;
use crate::output;

/// The scheme that signs messages; there is no other in use.
const SCHEME: &str = "hmac-sha256";
/// How long a kernel that ends waits for its last messages to be sent.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where messages go. Every clone leads to the same sockets; nothing here waits.
#[derive(Debug, Clone)]
pub struct Outbox {
    shell: UnboundedSender<JupyterMessage>,
    control: UnboundedSender<JupyterMessage>,
    stdin: UnboundedSender<JupyterMessage>,
    iopub: UnboundedSender<JupyterMessage>,
    /// Messages that are not sent yet.
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// Answers on the shell channel.
    pub fn shell(&self, message: JupyterMessage) {
        self.send(&self.shell, message);
    }

    /// Answers on the control channel.
    pub fn control(&self, message: JupyterMessage) {
        self.send(&self.control, message);
    }

    /// Asks on the stdin channel.
    pub fn stdin(&self, message: JupyterMessage) {
        self.send(&self.stdin, message);
    }

    /// Tells everybody. `parent` is the request it belongs to.
    pub fn publish(&self, kind: &str, content: Value, parent: Option<&jupyter_protocol::Header>) {
        self.send(&self.iopub, published(kind, content, parent));
    }

    /// Waits, a second at most, until everything has been sent.
    pub fn drain(&self) {
        let begun = Instant::now();
        while self.waiting.load(Ordering::SeqCst) > 0 && begun.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(5));
        }
        // What the sockets have taken is written by tasks of theirs, which do not tell.
        std::thread::sleep(Duration::from_millis(150));
    }

    fn send(&self, channel: &UnboundedSender<JupyterMessage>, message: JupyterMessage) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if channel.send(message).is_err() {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Who gets what comes in.
pub struct Inboxes {
    /// Requests of the shell channel.
    pub shell: Sender<Request>,
    /// Called for each request of the control channel, on a thread of its own.
    pub control: Sender<Request>,
    /// Answers of the person at the keyboard.
    pub stdin: Sender<String>,
}

/// Reads the file in which Jupyter says where to listen.
///
/// # Errors
/// It cannot be read, is no connection file, or wants messages signed in a way that is not known.
pub fn read(file: &Path) -> Result<ConnectionInfo, Error> {
    let text = read_text(file, MOST_SETTINGS)?;
    let wrong = |found: String, expected: &str| {
        let remedy = "Jupyter writes this file and calls `selfsame kernel run` with it.";
        Error::input(file, Place::Whole, found, expected, remedy)
    };
    let info: ConnectionInfo =
        serde_json::from_str(&text).map_err(|e| wrong(e.to_string(), "a connection file of Jupyter"))?;
    if info.signature_scheme != SCHEME && !info.key.is_empty() {
        let found = format!("signature_scheme '{}'", info.signature_scheme);
        return Err(wrong(found, "signature_scheme 'hmac-sha256'"));
    }
    if info.key.is_empty() && !is_local(&info) {
        let found = format!("an empty key, and the address {}", info.ip);
        let expected = "a key, with which messages are signed, or an address of this machine only";
        return Err(Error::input(
            file,
            Place::Whole,
            found,
            expected,
            "Whoever reaches that address could run code here. Have Jupyter make a key (it does unless Session.key is set empty).",
        ));
    }
    if info.key.is_empty() {
        output::note(
            "the connection file has no key: whoever can connect on this machine can run code in this kernel",
        );
    }
    Ok(info)
}

/// Whether only this machine reaches the kernel.
fn is_local(info: &ConnectionInfo) -> bool {
    let is_loopback = info.ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    matches!(info.transport, Transport::IPC) || is_loopback || info.ip == "localhost"
}

/// Binds the sockets and begins to serve them.
///
/// # Errors
/// A port that is taken.
pub fn open(runtime: &Runtime, info: &ConnectionInfo, inboxes: Inboxes) -> Result<Outbox, Error> {
    let session = info.kernel_name.clone().unwrap_or_default() + &format!("-{}", std::process::id());
    runtime.block_on(bind(info, &session, inboxes)).map_err(|e| Error::Io {
        action: "listen at",
        path: format!("{}://{}", info.transport, info.ip).into(),
        source: std::io::Error::other(e.to_string()),
    })
}

async fn bind(info: &ConnectionInfo, session: &str, inboxes: Inboxes) -> Result<Outbox, RuntimeError> {
    let mut heartbeat = RepSocket::new();
    heartbeat.bind(&info.hb_url()).await?;
    let iopub = jupyter::create_kernel_iopub_connection(info, session).await?;
    let shell = jupyter::create_kernel_shell_connection(info, session).await?.split();
    let control = jupyter::create_kernel_control_connection(info, session).await?.split();
    let stdin = jupyter::create_kernel_stdin_connection(info, session).await?.split();

    let waiting = Arc::new(AtomicUsize::new(0));
    let (shell_out, to_shell) = unbounded_channel();
    let (control_out, to_control) = unbounded_channel();
    let (stdin_out, to_stdin) = unbounded_channel();
    let (iopub_out, to_iopub) = unbounded_channel();
    tokio::spawn(send(shell.0, to_shell, Arc::clone(&waiting), None));
    tokio::spawn(send(control.0, to_control, Arc::clone(&waiting), None));
    tokio::spawn(send(iopub, to_iopub, Arc::clone(&waiting), None));
    // A question that reaches nobody is answered by silence.
    tokio::spawn(send(stdin.0, to_stdin, Arc::clone(&waiting), Some(inboxes.stdin.clone())));

    let (shell_in, control_in, stdin_in) = (inboxes.shell, inboxes.control, inboxes.stdin);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let of = || Arc::clone(&seen);
    tokio::spawn(receive(shell.1, "shell", of(), move |request| shell_in.send(request).is_ok()));
    tokio::spawn(receive(control.1, "control", of(), move |request| control_in.send(request).is_ok()));
    tokio::spawn(receive(stdin.1, "stdin", of(), move |reply| {
        stdin_in.send(reply.text("value").into()).is_ok()
    }));
    tokio::spawn(async move {
        // A client that has gone is no reason to stop beating for the others.
        loop {
            let beat = match heartbeat.recv().await {
                Ok(beat) => heartbeat.send(beat).await,
                Err(e) => Err(e),
            };
            if beat.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    Ok(Outbox { shell: shell_out, control: control_out, stdin: stdin_out, iopub: iopub_out, waiting })
}

/// Sends what comes, in order. `unheard` is told of messages that reach nobody.
async fn send<S: SocketSend>(
    mut connection: Connection<S>,
    mut messages: UnboundedReceiver<JupyterMessage>,
    waiting: Arc<AtomicUsize>,
    unheard: Option<Sender<String>>,
) {
    while let Some(message) = messages.recv().await {
        let kind = message.header.msg_type.clone();
        if let Err(e) = connection.send(message).await {
            match &unheard {
                Some(unheard) => drop(unheard.send(String::new())),
                None => output::note(&format!("{kind} was not sent: {e}")),
            }
        }
        waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Passes on what comes with the right signature, until nobody wants it any more.
async fn receive<S: SocketRecv>(
    mut connection: Connection<S>,
    channel: &str,
    seen: Arc<Mutex<Seen>>,
    pass_on: impl Fn(Request) -> bool,
) {
    loop {
        match Request::receive(&mut connection, &seen).await {
            Ok(None) => {
                output::note(&format!("a message on the {channel} channel has come before and is dropped"))
            }
            Ok(Some(request)) => {
                if !pass_on(request) {
                    return;
                }
            }
            Err(RuntimeError::ZmqError(e)) => {
                output::note(&format!("the {channel} channel: {e}"));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // What may be forged is not answered.
            Err(RuntimeError::VerifyError(_) | RuntimeError::DecodeError(_) | RuntimeError::MissingHmac) => {
                output::note(&format!(
                    "a message on the {channel} channel has a wrong signature and is dropped"
                ));
            }
            Err(e) => output::note(&format!("a message on the {channel} channel is dropped: {e}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_file_is_read_and_what_is_wrong_with_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernel.json");
        let write = |scheme: &str| {
            let text = format!(
                "{{\"ip\":\"127.0.0.1\",\"transport\":\"tcp\",\"shell_port\":1,\"iopub_port\":2,\"stdin_port\":3,\
                 \"control_port\":4,\"hb_port\":5,\"key\":\"k\",\"signature_scheme\":\"{scheme}\",\"kernel_name\":\"\"}}"
            );
            std::fs::write(&file, text).unwrap();
        };
        write("hmac-sha256");
        assert_eq!(read(&file).unwrap().shell_url(), "tcp://127.0.0.1:1");
        let unsigned = |transport: &str, ip: &str| {
            let text = format!(
                "{{\"ip\":\"{ip}\",\"transport\":\"{transport}\",\"shell_port\":1,\"iopub_port\":2,\"stdin_port\":3,\
                 \"control_port\":4,\"hb_port\":5,\"key\":\"\",\"signature_scheme\":\"hmac-sha256\",\"kernel_name\":\"\"}}"
            );
            std::fs::write(&file, text).unwrap();
            read(&file).map(drop).map_err(|e| e.to_string())
        };
        for ip in ["127.0.0.1", "127.1.2.3", "::1", "localhost"] {
            assert_eq!(unsigned("tcp", ip), Ok(()), "{ip}");
        }
        assert_eq!(unsigned("ipc", "/run/user/1000/kernel"), Ok(()));
        for ip in ["0.0.0.0", "*", "192.168.1.2", "::", "example.org", ""] {
            assert!(unsigned("tcp", ip).unwrap_err().contains("an empty key"), "{ip}");
        }
        write("hmac-md5");
        assert!(read(&file).unwrap_err().to_string().contains("hmac-md5"));
        std::fs::write(&file, "{}").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("connection file"));
    }
}
