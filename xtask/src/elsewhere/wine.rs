//! What is for Windows runs on Wine, the nearest to Windows that can be had beside the other tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::is_there;
use crate::Result;
use crate::server::Server;
use crate::workspace::{cargo, find_program, output, succeed, target_dir};

const TARGET: &str = "x86_64-pc-windows-gnu";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// Rust's standard library gets its random bytes from `bcryptprimitives.dll`, which Wine 8 has not. This passes the
/// call on to the function that was there before.
const RANDOM: &str = "\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    while (length > 0) {
        ULONG part = length > 65536 ? 65536 : (ULONG)length;
        if (!SystemFunction036(data, part)) return FALSE;
        data += part;
        length -= part;
    }
    return TRUE;
}
";

/// Runs the tests of the file store as a Windows program, and a session at the command line. What is missing for that
/// is told, and is no error.
pub(super) fn run() -> Result<()> {
    let wine = ["wine", "wine64"].into_iter().find(|name| find_program(name).is_some());
    let Some(wine) = wine else { return left_out("Wine is missing (Debian: wine64 and wine)") };
    if find_program(COMPILER).is_none() {
        return left_out("MinGW is missing (Debian: gcc-mingw-w64-x86-64)");
    }
    if !is_there(TARGET)? {
        return left_out(&format!("its target is missing (`rustup target add {TARGET}`)"));
    }
    let place = Place::new(wine, target_dir()?.join("wine"))?;
    succeed(
        place
            .around(cargo())
            .args(["test", "--locked", "--quiet", "--target", TARGET])
            .args(["--package", "countersign-store-file", "--features", "keyring"])
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", wine),
    )?;
    println!("Windows ({TARGET}), on Wine: the tests of the file store");
    command_line(&place)?;
    println!("Windows ({TARGET}), on Wine: a session at the command line");
    Ok(())
}

fn left_out(why: &str) -> Result<()> {
    println!("left out: file store and command line as Windows programs: {why}");
    Ok(())
}

/// A Windows of our own, without a screen. Its processes end when it is dropped.
struct Place {
    wine: &'static str,
    folder: PathBuf,
}

impl Place {
    fn new(wine: &'static str, folder: PathBuf) -> Result<Self> {
        let place = Self { wine, folder };
        let system = place.folder.join("drive_c/windows/system32");
        if !system.is_dir() {
            fs::create_dir_all(&place.folder)?;
            succeed(place.around(Command::new(wine)).args(["wineboot", "--init"]))?;
        }
        let library = system.join("bcryptprimitives.dll");
        if !library.exists() {
            make_random(&place.folder, &library)?;
        }
        Ok(place)
    }

    /// The profile of the user.
    fn home(&self) -> Result<PathBuf> {
        let users = fs::read_dir(self.folder.join("drive_c/users"))?;
        let homes = users.filter_map(|user| Some(user.ok()?.path()));
        let mut homes = homes.filter(|home| home.join("AppData/Local").is_dir());
        Ok(homes.next().ok_or("Wine has made no profile of a user")?)
    }

    /// A Windows program, with no settings but these.
    fn program(&self, path: &Path) -> Command {
        let mut command = self.around(Command::new(self.wine));
        command.arg(path).env_remove("COUNTERSIGN_CONFIG").env_remove("COUNTERSIGN_STATE");
        command
    }

    fn around(&self, mut command: Command) -> Command {
        command
            .env("WINEPREFIX", &self.folder)
            .env("WINEDEBUG", "-all")
            // Nothing of .NET, of the web or of the desktop is looked for.
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=")
            .env_remove("DISPLAY");
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(server) = find_program("wineserver") {
            // It is that of this folder alone, and would end by itself a little later.
            let _ = self.around(Command::new(server)).arg("-k").status();
        }
    }
}

fn make_random(folder: &Path, library: &Path) -> Result<()> {
    let source = folder.join("random.c");
    fs::write(&source, RANDOM)?;
    succeed(
        Command::new(COMPILER)
            .args(["-shared", "-O1", "-o"])
            .arg(library)
            .arg(source)
            .arg("-ladvapi32"),
    )
}

/// From the sign-in to the end of a session, with the key of the store in a file and in the Credential Manager.
fn command_line(place: &Place) -> Result<()> {
    succeed(cargo().args(["build", "--locked", "--quiet", "--target", TARGET]).args([
        "--package",
        "countersign-cli",
        "--features",
        "keyring",
    ]))?;
    let program = target_dir()?.join(TARGET).join("debug/countersign.exe");
    let home = place.home()?;
    let (folder, store) = (home.join("countersign-try"), home.join("AppData/Local/countersign"));
    fs::create_dir_all(&folder)?;
    let mut provider = place.program(&program);
    provider.args(["simulate", "ibex", "--until-eof"]);
    let provider = Server::start("countersign.exe", &mut provider, &folder, "PASSWORD")?;
    fs::write(folder.join("hub.txt"), provider.value("PASSWORD")?)?;
    for key in ["file", "keyring"] {
        // The store of an earlier run.
        if store.exists() {
            fs::remove_dir_all(&store)?;
        }
        let profile = format!(
            "[store]\nkey = \"{key}\"\n[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
             password = \"file:hub.txt\"\n",
            provider.value("URL")?,
            provider.value("IDENTITY")?
        );
        fs::write(folder.join("config.toml"), profile)?;
        for (words, says) in [
            (&["login"][..], ""),
            (&["token"], "."),
            (&["sessions", "list"], "hub"),
            (&["doctor"], "is yours alone"),
            (&["logout"], ""),
        ] {
            let mut command = place.program(&program);
            command.args(["--config", "config.toml"]).args(words).current_dir(&folder);
            if !output(&mut command)?.contains(says) {
                return Err(
                    format!("countersign.exe {} does not say `{says}`", words.join(" ")).into()
                );
            }
        }
        if !store.join("key").is_file() {
            return Err(format!("there is no key in {}", store.display()).into());
        }
    }
    let mut command = place.program(&program);
    command.args(["--config", "config.toml", "login"]).current_dir(&folder);
    let outside = command.env("COUNTERSIGN_STATE", "C:\\countersign-try").stderr(Stdio::null());
    match outside.status()?.code() {
        Some(6) => Ok(()),
        end => {
            Err(format!("a store that others may read ended with {end:?} and not with 6").into())
        }
    }
}
