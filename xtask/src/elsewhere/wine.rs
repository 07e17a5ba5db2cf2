//! What is for Windows runs on Wine, the nearest to Windows that can be had beside the other tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::is_there;
use crate::Result;
use crate::workspace::{cargo, find_program, succeed, target_dir};

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

/// Runs the tests of the file store as a Windows program. What is missing for that is told, and is no error.
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
    Ok(())
}

fn left_out(why: &str) -> Result<()> {
    println!("left out: the tests of the file store as a Windows program: {why}");
    Ok(())
}

/// A Windows of our own, without a screen. Its processes end when it is dropped.
struct Place(PathBuf);

impl Place {
    fn new(wine: &str, folder: PathBuf) -> Result<Self> {
        let place = Self(folder);
        let system = place.0.join("drive_c/windows/system32");
        if !system.is_dir() {
            std::fs::create_dir_all(&place.0)?;
            succeed(place.around(Command::new(wine)).args(["wineboot", "--init"]))?;
        }
        let library = system.join("bcryptprimitives.dll");
        if !library.exists() {
            make_random(&place.0, &library)?;
        }
        Ok(place)
    }

    fn around(&self, mut command: Command) -> Command {
        command
            .env("WINEPREFIX", &self.0)
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
    std::fs::write(&source, RANDOM)?;
    succeed(
        Command::new(COMPILER)
            .args(["-shared", "-O1", "-o"])
            .arg(library)
            .arg(source)
            .arg("-ladvapi32"),
    )
}
