//! Commands whose arguments are described to the parser when it comes to them, and not before: to describe all
//! of them costs more than `token` does on a fresh token.

use clap::builder::Resettable;
use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

/// The arguments of a command, described when it is called or its help is asked for.
#[derive(Debug)]
pub(crate) struct Later<T>(pub(crate) T);

impl<T: FromArgMatches> FromArgMatches for Later<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Later<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| keeping_its_words(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}

impl<T: Subcommand> Subcommand for Later<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(|command| keeping_its_words(command, T::augment_subcommands))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        T::augment_subcommands_for_update(command)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

/// What the command says of itself came before, and would be replaced by what its arguments say.
fn keeping_its_words(command: Command, augment: impl FnOnce(Command) -> Command) -> Command {
    let (about, long_about) = (command.get_about().cloned(), command.get_long_about().cloned());
    augment(command).about(Resettable::from(about)).long_about(Resettable::from(long_about))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::Cli;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_tells_what_it_is_for() {
        Cli::command().debug_assert();
        let listed = Cli::command();
        let mut built = Cli::command();
        built.build();
        let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
        assert!(listed.get_subcommands().count() > 12);
        for command in listed.get_subcommands() {
            let name = command.get_name();
            let called = built.find_subcommand(name).expect("a command that is listed");
            assert_eq!(about(called), about(command), "{name}");
            assert!(about(called).is_some(), "{name}");
        }
        let token = built.find_subcommand("token").expect("a command");
        assert!(token.get_arguments().any(|argument| argument.get_id() == "valid_for"));
    }
}
