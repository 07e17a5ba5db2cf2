//! Programs of Windows that tell a secret, by their paths.

use super::*;

fn words(text: &str) -> Result<Vec<String>, NoSource> {
    match Source::parse(text, Path::new(r"C:\Users\kim\profiles"))? {
        Source::Command(words) => Ok(words),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_that_is_named_by_a_path_is_looked_for_beside_the_profile() {
    for text in [r"command:'bin\pass.exe' x", r"command:bin\pass.exe x"] {
        let found = words(text).unwrap();
        assert_eq!(found, [r"C:\Users\kim\profiles\bin\pass.exe", "x"], "{text}");
    }
    assert_eq!(words(r"command:C:\tools\pass.exe a").unwrap(), [r"C:\tools\pass.exe", "a"]);
    assert_eq!(words("command:pass a").unwrap(), ["pass", "a"]);
}

#[test]
fn the_current_folder_of_a_drive_is_nobodys_choice() {
    assert!(matches!(words("command:C:pass.exe"), Err(NoSource::Incomplete(_))));
}
