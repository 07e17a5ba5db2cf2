//! Settings that a simulated Cognito pool alone has.

use clap::{Args, ValueEnum};
use countersign_simulator::{AuthFlow, Cognito};

/// A flow that an app client may allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Flow {
    Custom,
    Password,
    Refresh,
    Srp,
    User,
}

/// What `simulate cognito` alone understands.
#[derive(Args, Debug, Default)]
pub(super) struct Settings {
    /// Cognito: a flow that is allowed beside srp, custom and refresh; may be given several times
    #[arg(long, value_name = "FLOW")]
    allow: Vec<Flow>,
}

impl Settings {
    /// The first of these options that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        [("--allow", !self.allow.is_empty())]
            .into_iter()
            .find_map(|(option, given)| given.then_some(option))
    }

    /// The pool with these settings.
    pub(super) fn applied_to(&self, pool: Cognito) -> Cognito {
        self.allow.iter().fold(pool, |pool, flow| {
            pool.allow(match flow {
                Flow::Custom => AuthFlow::Custom,
                Flow::Password => AuthFlow::UserPassword,
                Flow::Refresh => AuthFlow::Refresh,
                Flow::Srp => AuthFlow::UserSrp,
                Flow::User => AuthFlow::User,
            })
        })
    }

    #[cfg(test)]
    pub(super) fn with_password() -> Self {
        Self { allow: vec![Flow::Password] }
    }
}
