//! The request as the command line and its files give it.

use std::fs;
use std::io::Read;

use clap::Args;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::IgnoredAny;

use crate::problem::Problem;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What to send.
#[derive(Args, Debug)]
pub(crate) struct Parts {
    /// The method, for instance GET
    pub(super) method: String,
    /// The absolute address; its origin must be one of the session's API origins
    pub(super) url: String,
    /// The body: @FILE, or - for standard input. It is JSON unless a Content-Type says otherwise
    #[arg(long, short, value_name = "@FILE|-")]
    data: Option<String>,
    /// A header; may be given several times. The session's own credential headers cannot be set
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
}

/// A request that can be sent.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

impl Input {
    /// Checks the parts and reads the body. `credentials` are the headers that the session sets.
    pub(super) fn read(
        parts: &Parts,
        credentials: &[HeaderName],
        stdin: &mut impl Read,
    ) -> Result<Self, Problem> {
        let mut headers = headers(&parts.header, credentials)?;
        let body = parts.data.as_deref().map(|from| body(from, stdin)).transpose()?;
        if let Some(body) = &body
            && !headers.contains_key(CONTENT_TYPE)
        {
            check_json(body)?;
            headers.insert(CONTENT_TYPE, JSON);
        }
        headers.entry(ACCEPT).or_insert(JSON);
        Ok(Self { method: method(&parts.method)?, headers, body })
    }
}

fn method(text: &str) -> Result<Method, Problem> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| {
        Problem::usage(
            format!("`{text}` is no HTTP method"),
            "write GET, POST, PUT, PATCH or DELETE",
        )
    })
}

/// Values are not repeated where one is wrong: they may be keys of other services.
fn headers(lines: &[String], credentials: &[HeaderName]) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (number, line) in lines.iter().enumerate() {
        let wrong = || {
            let what = format!("-H: header {} is not of the form NAME: VALUE", number + 1);
            Problem::usage(what, "write it as -H 'Accept: text/plain'")
        };
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
        if credentials.contains(&name) {
            return Err(Problem::usage(
                format!("-H: `{name}` is set by the session"),
                format!("leave the header `{name}` out"),
            ));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(from: &str, stdin: &mut impl Read) -> Result<Vec<u8>, Problem> {
    let unreadable = |what: &str, error: std::io::Error| {
        Problem::usage(format!("-d: {what} cannot be read"), "check its name and its mode")
            .note(error.to_string())
    };
    match (from, from.strip_prefix('@')) {
        ("-" | "@-", _) => {
            let mut body = Vec::new();
            stdin.read_to_end(&mut body).map_err(|error| unreadable("standard input", error))?;
            Ok(body)
        }
        (_, Some(path)) if !path.is_empty() => {
            fs::read(path).map_err(|error| unreadable(path, error))
        }
        _ => Err(Problem::usage(
            "-d: a body is not taken from the command line, where others can read it",
            "write -d @FILE, or -d - and give it on standard input",
        )),
    }
}

fn check_json(body: &[u8]) -> Result<(), Problem> {
    serde_json::from_slice::<IgnoredAny>(body).map(drop).map_err(|error| {
        Problem::usage(
            format!("-d: the body is no JSON (line {}, column {})", error.line(), error.column()),
            "correct it, or name its type: -H 'Content-Type: text/plain'",
        )
    })
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn read(method: &str, data: Option<&str>, header: &[&str]) -> Result<Input, Problem> {
        let parts = Parts {
            method: method.into(),
            url: "http://127.0.0.1/".into(),
            data: data.map(str::to_owned),
            header: header.iter().map(|line| (*line).to_owned()).collect(),
        };
        let credentials = [AUTHORIZATION, HeaderName::from_static("otp")];
        Input::read(&parts, &credentials, &mut &b"{\"a\": 1}"[..])
    }

    fn refused(data: Option<&str>, header: &[&str]) -> String {
        let lines = read("POST", data, header).unwrap_err().lines();
        assert!(!lines.contains("canary"), "{lines}");
        lines
    }

    #[test]
    fn a_body_is_json_unless_its_type_says_otherwise() {
        let input = read("post", Some("-"), &[]).unwrap();
        assert_eq!((input.method, &input.headers[CONTENT_TYPE]), (Method::POST, &JSON));
        assert_eq!(input.headers[ACCEPT], JSON);
        assert_eq!(input.body.as_deref(), Some(&b"{\"a\": 1}"[..]));
        let text = read("PUT", Some("@-"), &["content-type: text/plain", "Accept: */*"]).unwrap();
        assert_eq!(text.headers[CONTENT_TYPE], "text/plain");
        assert_eq!(text.headers[ACCEPT], "*/*");
        let get = read("GET", None, &[]).unwrap();
        assert!(get.body.is_none() && !get.headers.contains_key(CONTENT_TYPE));
    }

    #[test]
    fn what_is_no_json_is_refused_by_its_place_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        fs::write(&path, "{\n canary").unwrap();
        let data = format!("@{}", path.display());
        assert!(refused(Some(&data), &[]).contains("no JSON (line 2, column 2)"));
        assert!(read("POST", Some(&data), &["Content-Type: text/plain"]).is_ok());
        assert!(refused(Some("@/nonexistent/body"), &[]).contains("cannot be read"));
    }

    #[test]
    fn credentials_and_bodies_are_not_taken_from_the_command_line() {
        assert!(refused(None, &["Authorization: canary"]).contains("set by the session"));
        assert!(refused(None, &["OTP: canary"]).contains("set by the session"));
        assert!(refused(Some("{\"canary\": 1}"), &[]).contains("-d @FILE"));
        assert!(refused(None, &["X: 1", "canary"]).contains("header 2"));
        assert!(refused(None, &["X: canary\nY: z"]).contains("header 1"));
        assert!(read("GE T", None, &[]).unwrap_err().lines().contains("no HTTP method"));
    }
}
