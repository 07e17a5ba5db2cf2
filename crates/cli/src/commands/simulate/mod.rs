//! `simulate`: a provider's server on this machine.

mod pool;
mod server;

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use countersign_simulator::{Injection, Simulator};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::cli::Global;
use crate::exit::Exit;
use crate::interrupt;
use crate::output;
use crate::problem::Problem;
use server::{Server, Settings};

/// How often the mailbox is looked into.
const LOOK: Duration = Duration::from_millis(100);

/// What to run, where, and what shall go wrong.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Whose server
    provider: Server,
    /// The address; a loopback one. Port 0 is any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Something to go wrong: `OPERATION=FAULT[:ARGUMENT][*TIMES]`, for instance `refresh=status_503*2`,
    /// sign_in=delay:2s, any=hang; may be given several times
    #[arg(long, value_name = "FAULT", value_parser = fault)]
    fault: Vec<Injection>,
    /// End when standard input ends, not only at Ctrl-C
    #[arg(long)]
    until_eof: bool,
    // Last, since its own heading reaches to the end.
    #[command(flatten)]
    settings: Settings,
}

/// Serves until it is told to end.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Problem> {
    let simulator = server::build(arguments.provider, &arguments.settings)?;
    for fault in &arguments.fault {
        simulator.inject(fault.operation, fault.fault.clone(), fault.times);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Problem::new(
            Exit::TryAgain,
            "the server cannot be started",
            "check the limits of the system",
        )
        .note(error.to_string())
    })?;
    let served = runtime.block_on(serve(arguments, global, &simulator));
    // A reader of standard input that is still waiting must not hold the program back.
    runtime.shutdown_background();
    served
}

async fn serve(
    arguments: &Arguments,
    global: &Global,
    simulator: &Simulator,
) -> Result<Exit, Problem> {
    let running = simulator.serve_on(arguments.listen).await.map_err(|error| {
        Problem::usage(
            format!("{} cannot be listened on", arguments.listen),
            "take a free port of a loopback address, for instance --listen 127.0.0.1:0",
        )
        .note(error.to_string())
    })?;
    let mut pairs = vec![
        ("PROVIDER".to_owned(), simulator.provider().to_owned()),
        ("URL".to_owned(), running.url()),
    ];
    pairs.extend(simulator.describe());
    print(&pairs, global.json)?;
    tokio::select! {
        () = until_told(arguments.until_eof) => {}
        () = show_mail(simulator, global.json) => {}
    }
    running.shutdown().await;
    Ok(Exit::Success)
}

fn print(pairs: &[(String, String)], json: bool) -> Result<(), Problem> {
    if json {
        let object: Map<String, Value> =
            pairs.iter().map(|(key, value)| (key.to_lowercase(), value.clone().into())).collect();
        return output::json(&object.into());
    }
    let lines: String = pairs.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    output::data(lines.as_bytes())
}

/// Prints every code and temporary password that is sent, since nobody else has the mailbox. Never
/// returns; goes on where nobody reads it.
async fn show_mail(simulator: &Simulator, json: bool) {
    let mut shown = 0;
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let (sent, so_far) = simulator.mail_after(shown);
        shown = so_far;
        for (to, text) in sent {
            let _ = print(&[("MAIL_TO".to_owned(), to), ("MAIL".to_owned(), text)], json);
        }
    }
}

/// Waits for Ctrl-C, a request to end, or the end of standard input.
async fn until_told(until_eof: bool) {
    if !until_eof {
        return interrupt::wait().await;
    }
    let (ended, input) = oneshot::channel();
    // A blocked read cannot be cancelled: a thread of its own does not matter at the end.
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        let mut stdin = std::io::stdin().lock();
        while stdin.read(&mut bytes).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    tokio::select! {
        _ = input => {}
        () = interrupt::wait() => {}
    }
}

fn fault(text: &str) -> Result<Injection, String> {
    text.parse().map_err(|error: countersign_simulator::BadInjection| error.to_string())
}
