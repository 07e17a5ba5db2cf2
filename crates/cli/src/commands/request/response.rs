//! The answer of the API: its body to standard output, its status to standard error.

use std::io::{self, IsTerminal};

use http::StatusCode;
use reqwest::Response;
use serde_json::{Value, json};

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
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()));
    let answer = json!({
        "status": status.as_u16(),
        "content_type": content_type,
        "body": body,
    });
    output::data_apart(format!("{answer}\n")).await?;
    Ok(exit(status))
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
