//! The command line.

use crate::experiments::EXPERIMENTS;

/// What is wanted.
pub(crate) enum Wish {
    Help,
    Run { names: Vec<String>, quick: bool, seed: u64, write_docs: bool },
}

/// Reads the arguments; a sentence if they make no sense.
pub(crate) fn parse(args: &[String]) -> Result<Wish, String> {
    let (mut names, mut quick, mut seed, mut write_docs) = (Vec::new(), false, None, false);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "help" | "-h" | "--help" => return Ok(Wish::Help),
            "--quick" => quick = true,
            "--write-docs" => write_docs = true,
            "--seed" => {
                let given = rest.next().and_then(|text| text.parse().ok());
                seed = Some(given.ok_or("--seed wants a number")?);
            }
            name if EXPERIMENTS.iter().any(|known| known.name == name) => names.push(name.into()),
            other => return Err(format!("no experiment and no option is called `{other}`")),
        }
    }
    let seed = match seed {
        Some(seed) => seed,
        None => u64::from(getrandom::u32().map_err(|_| "the system gives no random bytes")?),
    };
    Ok(Wish::Run { names, quick, seed, write_docs })
}

pub(crate) fn print_help() {
    println!("cargo xtask torture [EXPERIMENT…] [--quick] [--seed N] [--write-docs]\n");
    for known in EXPERIMENTS {
        println!("  {:<11} {}", known.name, known.about);
    }
    println!("\nWithout a name: all of them. --quick takes minutes instead of tens of minutes.");
    println!(
        "--write-docs writes what `points` has found to docs/CRASHES.md instead of comparing it."
    );
}
