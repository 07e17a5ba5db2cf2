//! The answer of the API: its body to standard output, its status to standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use http::StatusCode;
use reqwest::Response;
use serde::Serialize;
use serde_json::value::RawValue;

use super::screen::Screen;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;

/// With `--json` the body becomes part of an object: so much of it at most.
const MOST_IN_JSON: usize = 16 * 1024 * 1024;

/// Prints an answer as it comes, however long it is.
pub(super) async fn print(mut response: Response) -> Result<Exit, Problem> {
    let status = response.status();
    output::say(&format!("HTTP {status}"));
    if io::stdout().is_terminal() {
        let mut screen = Screen::default();
        while let Some(piece) = response.chunk().await.map_err(cut_off)? {
            output::data_apart(screen.push(&piece)).await?;
        }
        output::data_apart(format!("{}\n", screen.end())).await?;
    } else {
        while let Some(piece) = response.chunk().await.map_err(cut_off)? {
            output::data_apart(piece).await?;
        }
    }
    Ok(exit(status))
}

/// Prints an answer as one object: `status`, `content_type`, and `body` as JSON if it is JSON, else
/// as text.
pub(super) async fn print_json(mut response: Response) -> Result<Exit, Problem> {
    let status = response.status();
    let content_type = response
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(cut_off)? {
        if body.len() + piece.len() > MOST_IN_JSON {
            return Err(Problem::new(
                Exit::Refused,
                format!("the answer is longer than {MOST_IN_JSON} bytes"),
                "run the request without --json: the body is then passed on as it comes",
            ));
        }
        body.extend_from_slice(&piece);
    }
    output::data_apart(one_line(status, content_type.as_deref(), &body)?).await?;
    Ok(exit(status))
}

/// The object on a line of its own. JSON is passed on as it came, for a number that was read and written again may be
/// another one; only its line ends become blanks, and they stand between its parts alone.
fn one_line(
    status: StatusCode,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Vec<u8>, Problem> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Body<'a> {
        Json(&'a RawValue),
        Text(Cow<'a, str>),
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        status: u16,
        content_type: Option<&'a str>,
        body: Body<'a>,
    }
    let body = match serde_json::from_slice(body) {
        Ok(json) => Body::Json(json),
        Err(_) => Body::Text(String::from_utf8_lossy(body)),
    };
    let mut line = serde_json::to_vec(&Answer { status: status.as_u16(), content_type, body })
        .map_err(|error| {
            Problem::new(Exit::Defect, "the answer cannot be printed", "please report it")
                .note(error.to_string())
        })?;
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    Ok(line)
}

fn exit(status: StatusCode) -> Exit {
    if status.is_success() { Exit::Success } else { Exit::HttpStatus }
}

fn cut_off(error: reqwest::Error) -> Problem {
    Problem::new(
        Exit::TryAgain,
        "the answer ended before it was complete",
        "what was printed is only its beginning; try again where repeating is harmless",
    )
    .note(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn line(body: &str) -> String {
        let line = one_line(StatusCode::OK, Some("application/json"), body.as_bytes()).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn json_is_passed_on_as_it_came_on_one_line() {
        let text =
            line("{\n\t\"n\": 12345678901234567890123,\r\n\"amount\":1.10, \"a\":1, \"a\":2 }\n");
        let body = "{ \t\"n\": 12345678901234567890123,  \"amount\":1.10, \"a\":1, \"a\":2 }";
        assert_eq!(
            text,
            format!("{{\"status\":200,\"content_type\":\"application/json\",\"body\":{body}}}\n")
        );
        assert_eq!(line("\"a\\nb\"").matches('\n').count(), 1, "what is escaped stays so");
    }

    #[test]
    fn what_is_no_json_is_text() {
        for (body, text) in
            [("", ""), ("two\r\nlines", "two\r\nlines"), ("{\"a\":\"\n\"}", "{\"a\":\"\n\"}")]
        {
            let told: Value = serde_json::from_str(&line(body)).unwrap();
            assert_eq!(told["body"], text);
        }
        let bytes = one_line(StatusCode::OK, None, b"\xff").unwrap();
        let told: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&told["body"], &told["content_type"]), (&"\u{fffd}".into(), &Value::Null));
    }
}
