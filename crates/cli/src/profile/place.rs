//! Where the profile file and the store are.

use std::path::{Path, PathBuf};

use countersign_store_file::FileStore;
use etcetera::BaseStrategy as _;

use crate::exit::Exit;
use crate::problem::Problem;
use crate::source::Environment;

/// The profile file: `--config`, else `COUNTERSIGN_CONFIG`, else `countersign/config.toml` in the
/// user's configuration folder.
pub(crate) fn config_file(
    argument: Option<PathBuf>,
    environment: Environment,
) -> Result<PathBuf, Problem> {
    if let Some(path) = argument.or_else(|| variable("COUNTERSIGN_CONFIG", environment)) {
        return Ok(path);
    }
    match etcetera::choose_base_strategy() {
        Ok(folders) => Ok(folders.config_dir().join("countersign").join("config.toml")),
        Err(error) => {
            Err(no_home("the profile file", "--config FILE or COUNTERSIGN_CONFIG", &error))
        }
    }
}

/// Whether somebody has said where the profile file is: then it has to be there.
pub(crate) fn is_config_named(argument: Option<&Path>, environment: Environment) -> bool {
    argument.is_some() || variable("COUNTERSIGN_CONFIG", environment).is_some()
}

/// The folder of the store: `COUNTERSIGN_STATE`, else `countersign` in the user's folder for state.
pub(crate) fn state_folder(environment: Environment) -> Result<PathBuf, Problem> {
    if let Some(path) = variable("COUNTERSIGN_STATE", environment) {
        return Ok(path);
    }
    FileStore::default_folder().map_err(|error| no_home("the store", "COUNTERSIGN_STATE", &error))
}

/// Whether the folder of the store is there.
///
/// # Errors
/// [`Exit::Store`] if that cannot be seen: a store that may not be looked at is not one in which nothing is.
pub(crate) fn is_state_there(folder: &Path) -> Result<bool, Problem> {
    folder.try_exists().map_err(|error| {
        Problem::new(
            Exit::Store,
            format!("{} cannot be looked at", folder.display()),
            "run it as the user whose store it is, with the right to the folders above it; or name \
             another by COUNTERSIGN_STATE",
        )
        .note(error.to_string())
    })
}

/// Whether somebody has said where the store is.
pub(crate) fn is_state_named(environment: Environment) -> bool {
    variable("COUNTERSIGN_STATE", environment).is_some()
}

fn variable(name: &str, environment: Environment) -> Option<PathBuf> {
    environment(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn no_home(what: &str, by: &str, error: &impl std::fmt::Display) -> Problem {
    Problem::usage(format!("there is no home folder to find {what} in"), format!("name it by {by}"))
        .note(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn both(name: &str) -> Option<OsString> {
        match name {
            "COUNTERSIGN_CONFIG" => Some("/env/config.toml".into()),
            "COUNTERSIGN_STATE" => Some("/env/state".into()),
            _ => None,
        }
    }

    #[test]
    fn the_argument_wins_over_the_variable_and_the_variable_over_the_default() {
        let named = config_file(Some("given.toml".into()), both).unwrap();
        assert_eq!(named, PathBuf::from("given.toml"));
        assert_eq!(config_file(None, both).unwrap(), PathBuf::from("/env/config.toml"));
        assert_eq!(state_folder(both).unwrap(), PathBuf::from("/env/state"));
        let usual = config_file(None, |_| None).unwrap();
        assert!(usual.ends_with("countersign/config.toml"), "{usual:?}");
        assert!(is_config_named(Some(Path::new("given.toml")), |_| None));
        assert!(is_config_named(None, both) && !is_config_named(None, |_| None));
    }
}
