//! `--answer KEY=SOURCE`: the answers to a challenge, whose values never stand on the command line.

use std::io::{self, Read};
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;

use countersign_core::{SecretBuffer, SecretString};
use zeroize::Zeroizing;

use crate::apart::apart;
use crate::ask;
use crate::problem::Problem;
use crate::protected::Refusal;
use crate::source::{self, Environment, LONGEST};

/// The forms of a source, for messages.
const FORMS: &str = "env:NAME, file:PATH, fd:NUMBER or - for a line of standard input";

/// One answer and where its value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    /// Which of the challenge's wants it is.
    pub(crate) key: String,
    from: From,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum From {
    Env(String),
    File(PathBuf),
    Descriptor(u32),
    Input,
}

impl Answer {
    /// Reads `KEY=env:NAME|file:PATH|fd:NUMBER|-`. The text is not repeated where it is wrong: it may
    /// hold the secret itself.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let (key, from) = text.split_once('=').ok_or_else(|| {
            Problem::usage("--answer: there is no `=`", format!("write KEY=SOURCE, with {FORMS}"))
        })?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        if key.is_empty() || !key.chars().all(plain) {
            return Err(Problem::usage(
                "--answer: what stands before `=` is no name of an answer",
                "name what the challenge wants, for instance code or new_password",
            ));
        }
        let from = match from.split_once(':') {
            None if from == "-" => Some(From::Input),
            Some(("env", name)) if !name.is_empty() => Some(From::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Some(From::File(path.into())),
            Some(("fd", number)) => number.parse().ok().map(From::Descriptor),
            _ => None,
        };
        match from {
            Some(from) => Ok(Self { key: key.to_owned(), from }),
            None => Err(Problem::usage(
                format!("--answer {key}: this names no source; a value itself is not taken"),
                format!("write {key}=SOURCE, with {FORMS}"),
            )),
        }
    }

    /// The environment variable that it comes from, if it comes from one.
    pub(crate) fn variable(&self) -> Option<&str> {
        match &self.from {
            From::Env(name) => Some(name),
            From::File(_) | From::Descriptor(_) | From::Input => None,
        }
    }

    /// The value. Lines of standard input go to the answers in their order.
    pub(crate) async fn read(&self, environment: Environment) -> Result<SecretString, Problem> {
        let value = match &self.from {
            From::Env(name) => source::from_environment(name, environment),
            From::File(path) => source::from_file_or_pipe(path).await,
            From::Descriptor(number) => {
                let number = *number;
                let read = apart(move || descriptor(number)).await;
                read.unwrap_or_else(|error| Err(not_read(&format!("descriptor {number}"), &error)))
            }
            From::Input => {
                ask::input_line().await.map_err(|error| not_read("standard input", &error))
            }
        };
        self.checked(value)
    }

    fn checked(&self, value: Result<SecretString, Refusal>) -> Result<SecretString, Problem> {
        let key = &self.key;
        let value = value.map_err(|refusal| {
            Problem::usage(format!("--answer {key}: {}", refusal.what), refusal.help)
        })?;
        if value.is_empty() {
            return Err(Problem::usage(
                format!("--answer {key}: the value is empty"),
                "check where it comes from",
            ));
        }
        Ok(value)
    }
}

/// Handles have no numbers that a caller could pass on, and a file of that name would be anybody's.
#[cfg(not(unix))]
fn descriptor(number: u32) -> Result<SecretString, Refusal> {
    let what = format!("descriptor {number} cannot be read: this system has none");
    Err(Refusal::new(what, "name another source: env:NAME, file:PATH or -"))
}

/// The first line of an open descriptor that the caller has passed on. It is opened anew by its name: to duplicate a
/// number of somebody else's is unsafe in Rust. On Linux that begins a plain file anew; a pipe goes on.
#[cfg(unix)]
fn descriptor(number: u32) -> Result<SecretString, Refusal> {
    let name = format!("descriptor {number}");
    let path = Path::new("/dev/fd").join(number.to_string());
    let mut file = std::fs::File::open(path).map_err(|error| not_read(&name, &error))?;
    one_line(&mut file).map_err(|error| not_read(&name, &error))
}

/// One line, read byte by byte: what follows belongs to the next answer. One that is too long is refused: its beginning
/// is another value, and its rest would be the next answer.
pub(crate) fn one_line(input: &mut impl Read) -> io::Result<SecretString> {
    let mut content = SecretBuffer::new();
    let mut byte = Zeroizing::new([0; 1]);
    let mut kept = 0;
    loop {
        match input.read(&mut byte[..]) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if kept == LONGEST => {
                let what = format!("the line is longer than {LONGEST} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            Ok(_) => {
                content.push(&byte[..]);
                kept += 1;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let bytes = content.finish();
    let line = bytes.expose_bytes();
    source::text(line.strip_suffix(b"\r").unwrap_or(line))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn not_read(what: &str, error: &io::Error) -> Refusal {
    Refusal::new(format!("{what} cannot be read: {error}"), "check that it is open, and what it is")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::exit::Exit;

    fn environment(name: &str) -> Option<OsString> {
        (name == "CODE").then(|| "canary-env".into())
    }

    fn read(text: &str) -> Result<String, Problem> {
        let answer = Answer::parse(text)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let value = runtime.block_on(answer.read(environment))?;
        Ok(value.expose().to_owned())
    }

    #[test]
    fn values_come_from_their_sources() {
        assert_eq!(read("code=env:CODE").unwrap(), "canary-env");
        assert!(Answer::parse("attribute.email=-").is_ok());
        let mut input = &b"canary-1\r\ncanary-2\n"[..];
        for expected in ["canary-1", "canary-2", ""] {
            assert_eq!(one_line(&mut input).unwrap().expose(), expected);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_and_not_cut() {
        let mut longest = "x".repeat(LONGEST);
        let read = |text: &str| one_line(&mut format!("{text}\nnext").as_bytes());
        assert_eq!(read(&longest).unwrap().len(), LONGEST);
        longest.push('x');
        assert!(read(&longest).unwrap_err().to_string().contains("longer than 65536 bytes"));
    }

    #[cfg(unix)]
    #[test]
    fn a_descriptor_of_the_caller_is_read() {
        use std::os::fd::AsRawFd;

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("code"), "canary-fd\nrest").unwrap();
        let file = std::fs::File::open(folder.path().join("code")).unwrap();
        assert_eq!(read(&format!("code=fd:{}", file.as_raw_fd())).unwrap(), "canary-fd");
        assert!(read("code=fd:99999").unwrap_err().lines().contains("descriptor 99999"));
    }

    #[cfg(unix)]
    #[test]
    fn f28_whoever_waits_for_a_descriptor_that_stays_silent_can_be_called_off() {
        use std::os::fd::AsRawFd;
        use std::sync::mpsc::channel;
        use std::time::Duration;

        let (reader, writer) = io::pipe().unwrap();
        let answer = Answer::parse(&format!("code=fd:{}", reader.as_raw_fd())).unwrap();
        let (passed, hangs) = channel::<()>();
        // Where nothing calls it off the end of the pipe does: a test that hangs tells nothing.
        let guard = std::thread::spawn(move || {
            let _ = hangs.recv_timeout(Duration::from_secs(10));
            drop(writer);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let called_off = runtime.block_on(async {
            tokio::select! {
                biased;
                _ = answer.read(environment) => false,
                () = tokio::task::yield_now() => true,
            }
        });
        assert!(called_off, "it was waited for until its writer went");
        drop(passed);
        guard.join().unwrap();
    }

    #[test]
    fn a_value_on_the_command_line_is_refused_and_not_repeated() {
        for bad in
            ["canary", "code=canary", "code=canary:x", "code=", "can ary=-", "code=fd:canary"]
        {
            let problem = read(bad).unwrap_err();
            assert_eq!(problem.exit(), Exit::Usage);
            assert!(!problem.lines().contains("canary"), "{}", problem.lines());
        }
    }

    #[test]
    fn what_is_missing_or_empty_is_named() {
        assert!(read("code=env:NONE").unwrap_err().lines().contains("NONE is not set"));
        let answer = Answer::parse("code=-").unwrap();
        let empty = answer.checked(Ok(SecretString::default())).unwrap_err();
        assert!(empty.lines().contains("the value is empty"));
    }
}
