//! Settings that a simulated Cognito pool alone has.

use std::time::Duration;

use clap::{Args, ValueEnum};
use countersign_simulator::{AuthFlow, Cognito, Remembering};

use crate::duration;

/// A flow that an app client may allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Flow {
    Custom,
    Password,
    Refresh,
    Srp,
    User,
}

/// When a confirmed device is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Devices {
    Always,
    OptIn,
}

/// What `simulate cognito` alone understands.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Of a Cognito pool")]
pub(super) struct PoolSettings {
    /// A flow that is allowed beside srp, custom and refresh; may be given several times
    #[arg(long, value_name = "FLOW")]
    allow: Vec<Flow>,
    /// Devices get keys; a confirmed one is remembered at once, or when its user says so
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true,
          default_missing_value = "always")]
    devices: Option<Devices>,
    /// A first factor that `USER_AUTH` offers instead of PASSWORD and PASSWORD_SRP; may be given several times
    #[arg(long, value_name = "CHALLENGE")]
    first_factor: Vec<String>,
    /// Unknown users look like wrong passwords
    #[arg(long)]
    hide_users: bool,
    /// The app client has no secret
    #[arg(long)]
    public_client: bool,
    /// Users without a second factor have to set one up
    #[arg(long)]
    require_mfa: bool,
    /// The life of a challenge's session
    #[arg(long, value_name = "TIME", value_parser = duration::argument)]
    session_life: Option<Duration>,
    /// SRP values begin with zeros
    #[arg(long)]
    srp_zeros: bool,
}

impl PoolSettings {
    /// The first of these options that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        [
            ("--allow", !self.allow.is_empty()),
            ("--devices", self.devices.is_some()),
            ("--first-factor", !self.first_factor.is_empty()),
            ("--hide-users", self.hide_users),
            ("--public-client", self.public_client),
            ("--require-mfa", self.require_mfa),
            ("--session-life", self.session_life.is_some()),
            ("--srp-zeros", self.srp_zeros),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }

    /// The pool with these settings.
    pub(super) fn applied_to(&self, pool: Cognito) -> Cognito {
        let mut pool = self.allow.iter().fold(pool, |pool, flow| pool.allow(flow.meant()));
        if let Some(devices) = self.devices {
            pool = pool.devices(match devices {
                Devices::Always => Remembering::Always,
                Devices::OptIn => Remembering::OptIn,
            });
        }
        if !self.first_factor.is_empty() {
            pool = pool.first_factors(self.first_factor.iter().cloned());
        }
        if let Some(life) = self.session_life {
            pool = pool.session_life(life);
        }
        [
            (self.hide_users, Cognito::hide_unknown_users as fn(Cognito) -> Cognito),
            (self.public_client, Cognito::public_client),
            (self.require_mfa, Cognito::require_mfa),
            (self.srp_zeros, Cognito::srp_leading_zeros),
        ]
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .fold(pool, |pool, (_, set)| set(pool))
    }

    #[cfg(test)]
    pub(super) fn with_password() -> Self {
        Self { allow: vec![Flow::Password], ..Self::default() }
    }
}

impl Flow {
    fn meant(self) -> AuthFlow {
        match self {
            Self::Custom => AuthFlow::Custom,
            Self::Password => AuthFlow::UserPassword,
            Self::Refresh => AuthFlow::Refresh,
            Self::Srp => AuthFlow::UserSrp,
            Self::User => AuthFlow::User,
        }
    }
}
