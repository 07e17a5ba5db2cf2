//! The real adapters through the real client against servers that nobody of this project wrote, and
//! clients that nobody of this project wrote against our simulator of Cognito; then the live cases of the
//! conformance suite against the same servers.
//!
//! Everything is installed into `target/independent` by pip and npm, at the versions that
//! `tests/independent` pins, and started on loopback ports of the system's choice. What each
//! server stands for and where it is laxer is in `tests/independent/README.md`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::Server;
use crate::totals::Totals;
use crate::workspace::{SELECTION, cargo, find_program, members, root, succeed, target_dir};
use crate::{Result, under_ci};
use crate::{live, vectors};

const PACKAGE: &str = "countersign-tests";
const BINARY: &str = "independent";

/// One server: the tests it is for, its script and arguments, and what runs it.
struct Kind {
    name: &'static str,
    tests: &'static str,
    script: &'static str,
    args: &'static [&'static str],
    runtime: Runtime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Node,
    Python,
}

const SERVERS: &[Kind] = &[
    Kind {
        name: "ministack",
        tests: "cognito",
        script: "cognito_server.py",
        args: &["ministack"],
        runtime: Runtime::Python,
    },
    Kind {
        name: "moto",
        tests: "cognito",
        script: "cognito_server.py",
        args: &["moto"],
        runtime: Runtime::Python,
    },
    Kind {
        name: "igny8",
        tests: "igny8",
        script: "igny8_server.py",
        args: &[],
        runtime: Runtime::Python,
    },
    Kind {
        name: "oidc-provider",
        tests: "ibex",
        script: "oidc_server.mjs",
        args: &[],
        runtime: Runtime::Node,
    },
];

/// The tests that start clients of others themselves, against our own simulator.
const CLIENTS: &str = "cognito";

/// What goes beside its packages, where a module finds them.
const MODULES: [&str; 2] = ["oidc_server.mjs", "client_identity.mjs"];

const USAGE: &str = "usage: cargo xtask independent [cognito|igny8|ibex] [--live|--prepare]";

/// What of all that is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Everything,
    /// The live cases of the suite.
    Live,
    /// What is installed and what is searched, which others need not wait for.
    Preparation,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    let (flags, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| arg.starts_with('-'));
    let only = match names[..] {
        [] => None,
        [one] if SERVERS.iter().any(|kind| kind.tests == one) => Some(one.as_str()),
        _ => return Err(USAGE.into()),
    };
    let part = match flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>()[..] {
        [] => Part::Everything,
        ["--live"] => Part::Live,
        ["--prepare"] => Part::Preparation,
        _ => return Err(USAGE.into()),
    };
    let chosen: Vec<&Kind> =
        SERVERS.iter().filter(|kind| only.is_none_or(|tests| kind.tests == tests)).collect();
    let home = target_dir()?.join("independent");
    std::fs::create_dir_all(&home)?;
    let install = Install::new(home)?;
    let clients = part != Part::Live && only.is_none_or(|tests| tests == CLIENTS);
    let wanted = |runtime: Runtime| clients || chosen.iter().any(|kind| kind.runtime == runtime);
    let prepare = |runtime: Runtime| match wanted(runtime) {
        true => install.prepare(runtime).map_err(|error| error.to_string()),
        false => Ok(()),
    };
    // Side by side, since they wait for the network.
    std::thread::scope(|scope| {
        let node = scope.spawn(|| prepare(Runtime::Node));
        prepare(Runtime::Python)?;
        node.join().unwrap_or_else(|_| Err("a panic in what installs it".to_owned()))
    })?;

    if part == Part::Preparation {
        if clients {
            install.vectors()?;
        }
        return Ok(());
    }
    let mut servers = Vec::new();
    for kind in chosen {
        let server = Server::start(kind.name, &mut install.command(kind), &install.home, "READY")?;
        println!("{} is ready", kind.name);
        servers.push(server);
    }
    if part == Part::Live {
        return live::run(&servers, &install.home);
    }
    let totals = run_tests(only, &servers, &install);
    // After the tests: these wait for nobody, and those are timed by the lives of tokens.
    let live = live::run(&servers, &install.home);
    drop(servers);
    let totals = totals?;
    println!("{BINARY}: {totals}");
    match (totals.failed, totals.run()) {
        (0, 0) => Err("no test was run".into()),
        (0, _) => live,
        (failed, _) => Err(format!("{failed} failed").into()),
    }
}

fn run_tests(only: Option<&str>, servers: &[Server], install: &Install) -> Result<Totals> {
    let exists = members()?
        .iter()
        .any(|package| package.name == PACKAGE && package.tests.iter().any(|test| test == BINARY));
    if !exists {
        return Err(
            format!("the servers started, but {PACKAGE} has no test binary `{BINARY}`").into()
        );
    }
    let mut command = cargo();
    command.arg("test").args(SELECTION).args(["--test", BINARY, "--"]);
    if let Some(only) = only {
        command.arg(format!("{only}::"));
    }
    // Without servers these tests are ignored; here they are what is asked for.
    command.args(["--include-ignored", "--nocapture"]);
    for server in servers {
        command.envs(&server.values);
    }
    command.envs(install.clients());
    if only.is_none_or(|only| only == "cognito") {
        command.env("COUNTERSIGN_SRP_VECTORS", install.vectors()?);
    }
    match find_program("oathtool") {
        Some(path) => {
            command.env("COUNTERSIGN_OATHTOOL", path);
        }
        None if under_ci() => {
            return Err("oathtool is not installed (apt-get install oathtool)".into());
        }
        None => println!("left out: codes computed by oathtool (apt-get install oathtool)"),
    }

    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut totals = Totals::default();
    if let Some(lines) = child.stdout.take() {
        for line in BufReader::new(lines).lines() {
            let line = line?;
            println!("{line}");
            if let Some(found) = Totals::of_libtest(&line) {
                totals += found;
            }
        }
    }
    if !child.wait()?.success() && totals.failed == 0 {
        return Err("the tests did not run to their end; see above".into());
    }
    Ok(totals)
}

/// Where the servers are installed and how they are called.
struct Install {
    home: PathBuf,
    scripts: PathBuf,
}

impl Install {
    fn new(home: PathBuf) -> Result<Self> {
        Ok(Self { home, scripts: root().join("tests/independent") })
    }

    fn prepare(&self, runtime: Runtime) -> Result<()> {
        match runtime {
            Runtime::Python => self.prepare_python(),
            Runtime::Node => self.prepare_node(),
        }
    }

    fn prepare_python(&self) -> Result<()> {
        need("python3", "apt-get install python3 python3-venv")?;
        let wanted = self.scripts.join("requirements.txt");
        let stamp = self.home.join("requirements.installed");
        if same(&wanted, &stamp) {
            return Ok(());
        }
        println!("installing what runs in Python into {}", self.home.display());
        let venv = self.home.join("venv");
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        succeed(
            Command::new(venv.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--requirement",
                ])
                .arg(&wanted),
        )?;
        std::fs::copy(&wanted, &stamp)?;
        Ok(())
    }

    fn prepare_node(&self) -> Result<()> {
        need("node", "apt-get install nodejs")?;
        need("npm", "apt-get install npm")?;
        let home = self.home.join("npm");
        std::fs::create_dir_all(&home)?;
        for module in MODULES {
            std::fs::copy(self.scripts.join(module), home.join(module))?;
        }
        let wanted = self.scripts.join("package-lock.json");
        let stamp = home.join("package-lock.installed");
        if same(&wanted, &stamp) {
            return Ok(());
        }
        println!("installing what runs in Node into {}", home.display());
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(self.scripts.join(file), home.join(file))?;
        }
        succeed(
            Command::new("npm")
                .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(&home),
        )?;
        std::fs::copy(&wanted, &stamp)?;
        Ok(())
    }

    /// Where the tests find the clients of others.
    fn clients(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("COUNTERSIGN_CLIENT_SCRIPTS", self.scripts.clone()),
            ("COUNTERSIGN_CLIENT_PYTHON", self.python()),
            ("COUNTERSIGN_CLIENT_NPM", self.home.join("npm")),
        ]
    }

    /// Vectors of SRP that a client of others has computed.
    fn vectors(&self) -> Result<PathBuf> {
        vectors::made(&self.python(), &self.scripts, &self.home)
    }

    fn python(&self) -> PathBuf {
        self.home.join("venv/bin/python")
    }

    fn command(&self, kind: &Kind) -> Command {
        let mut command = match kind.runtime {
            Runtime::Python => {
                let mut command = Command::new(self.python());
                command.arg(self.scripts.join(kind.script));
                // No compiled files beside the sources.
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command
            }
            Runtime::Node => {
                let mut command = Command::new("node");
                command.arg(self.home.join("npm").join(kind.script));
                command
            }
        };
        command.args(kind.args).current_dir(&self.home);
        command
    }
}

fn need(program: &str, remedy: &str) -> Result<()> {
    if find_program(program).is_some() {
        Ok(())
    } else {
        Err(format!("{program} is needed for these servers and is not installed ({remedy})").into())
    }
}

fn same(a: &Path, b: &Path) -> bool {
    match (std::fs::read(a), std::fs::read(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
