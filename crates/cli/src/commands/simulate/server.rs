//! Which server with which settings.

use std::time::Duration;

use clap::{Args, ValueEnum};
use countersign_simulator::{RefreshAnswer, Simulator};

use super::pool::PoolSettings;
use crate::duration;
use crate::problem::Problem;

/// The providers that can be simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Server {
    Cognito,
    Ibanera,
    Ibex,
    Igny8,
    Wikimedia,
}

/// Settings that several of them have.
#[derive(Args, Debug, Default)]
pub(super) struct Settings {
    /// The life of access tokens, for instance 5s
    #[arg(long, value_name = "TIME", value_parser = duration::argument)]
    lifetime: Option<Duration>,
    /// The life of refresh tokens
    #[arg(long, value_name = "TIME", value_parser = duration::argument)]
    refresh_lifetime: Option<Duration>,
    /// The time step of one-time codes
    #[arg(long, value_name = "TIME", value_parser = duration::argument)]
    totp_period: Option<Duration>,
    /// Refresh tokens are spent on use; with =TIME they are taken for so long after it
    #[arg(long, value_name = "GRACE", value_parser = duration::argument, num_args = 0..=1,
          require_equals = true, default_missing_value = "0s")]
    rotate: Option<Duration>,
    #[command(flatten)]
    pool: PoolSettings,
}

/// Makes a server; a setting that it does not have is an error, not silence.
pub(super) fn build(server: Server, settings: &Settings) -> Result<Simulator, Problem> {
    let Settings { lifetime, refresh_lifetime, totp_period, rotate, ref pool } = *settings;
    if let Some(option) = pool.given().filter(|_| server != Server::Cognito) {
        return Err(meaningless(word(server), option));
    }
    match server {
        Server::Cognito => {
            let pool = pool.applied_to(Simulator::cognito());
            let pool = with(pool, lifetime, |pool, life| pool.access_life(life));
            let pool = with(pool, refresh_lifetime, |pool, life| pool.refresh_life(life));
            let pool = with(pool, totp_period, |pool, period| pool.totp_period(period));
            let pool = with(pool, rotate, |pool, grace| pool.rotating(grace));
            Ok(pool.build())
        }
        Server::Ibanera => {
            refuse("ibanera", &[("--rotate", rotate)])?;
            let api = Simulator::ibanera();
            let api = with(api, lifetime, |api, life| api.access_life(life));
            let api = with(api, refresh_lifetime, |api, life| api.refresh_life(life));
            let api = with(api, totp_period, |api, period| api.period(period));
            Ok(api.build())
        }
        Server::Ibex => {
            refuse("ibex", &[("--totp-period", totp_period), ("--rotate", rotate)])?;
            let hub = Simulator::ibex();
            let hub = with(hub, lifetime, |hub, life| hub.access_life(life).oauth_life(life));
            let hub = with(hub, refresh_lifetime, |hub, life| hub.refresh_life(life));
            Ok(hub.build())
        }
        Server::Igny8 => {
            let graced = rotate.filter(|grace| !grace.is_zero());
            refuse("igny8", &[("--totp-period", totp_period), ("--rotate=GRACE", graced)])?;
            let api = Simulator::igny8();
            let api = with(api, lifetime, |api, life| api.access_life(life));
            let api = with(api, refresh_lifetime, |api, life| api.refresh_life(life));
            let api =
                with(api, rotate, |api, _| api.refresh_answer(RefreshAnswer::BothAndBlacklist));
            Ok(api.build())
        }
        Server::Wikimedia => {
            refuse("wikimedia", &[("--totp-period", totp_period), ("--rotate", rotate)])?;
            let api = Simulator::wikimedia();
            let api = with(api, lifetime, |api, life| api.access_life(life));
            let api = with(api, refresh_lifetime, |api, life| api.refresh_life(life));
            Ok(api.build())
        }
    }
}

fn with<B, V>(builder: B, value: Option<V>, set: impl FnOnce(B, V) -> B) -> B {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}

fn refuse(provider: &str, given: &[(&str, Option<Duration>)]) -> Result<(), Problem> {
    match given.iter().find(|(_, given)| given.is_some()) {
        None => Ok(()),
        Some((option, _)) => Err(meaningless(provider, option)),
    }
}

fn meaningless(provider: &str, option: &str) -> Problem {
    Problem::usage(format!("{option} means nothing to {provider}"), format!("leave {option} out"))
}

fn word(server: Server) -> &'static str {
    match server {
        Server::Cognito => "cognito",
        Server::Ibanera => "ibanera",
        Server::Ibex => "ibex",
        Server::Igny8 => "igny8",
        Server::Wikimedia => "wikimedia",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_built_under_its_own_word() {
        for server in Server::value_variants() {
            let word = server.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(super::word(*server), word);
            assert_eq!(build(*server, &Settings::default()).unwrap().provider(), word);
        }
    }

    #[test]
    fn a_setting_without_a_meaning_is_refused() {
        let rotating = Settings { rotate: Some(Duration::ZERO), ..Settings::default() };
        assert!(build(Server::Cognito, &rotating).is_ok());
        let problem = build(Server::Ibex, &rotating).unwrap_err();
        assert!(problem.lines().contains("--rotate means nothing to ibex"));
        let allowing = Settings { pool: PoolSettings::with_password(), ..Settings::default() };
        let pool = build(Server::Cognito, &allowing).unwrap();
        assert!(
            pool.describe()
                .iter()
                .any(|(key, value)| key == "FLOWS" && value.contains("USER_PASSWORD_AUTH"))
        );
        let problem = build(Server::Wikimedia, &allowing).unwrap_err();
        assert!(problem.lines().contains("--allow means nothing to wikimedia"));
    }
}
