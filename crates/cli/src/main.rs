//! The command-line tool `countersign`; all of it is in the library of this package.

fn main() -> std::process::ExitCode {
    countersign_cli::main()
}
