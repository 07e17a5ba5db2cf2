//! Setting up an authenticator: who is shown its secret, where that is kept, and who gives its first code.

use clap::Args;
use countersign_cognito::SoftwareToken;
use countersign_core::totp::{SecretEncoding, Totp};
use countersign_core::{Capabilities, Challenge, CredentialKind, SecretString, Timestamp};
use serde_json::json;
use std::path::PathBuf;

use crate::ask::Typing;
use crate::cli::Global;
use crate::exit::Exit;
use crate::inputs::{self, Inputs};
use crate::keep::Keep;
use crate::offer::code_step;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::{code, output, qr, terminal};

/// How often a person may try to type a code.
const MOST_TRIES: usize = 5;

/// Who is shown the secret of a new authenticator.
#[derive(Args, Debug, Default)]
pub(crate) struct Showing {
    /// Print the secret of a new authenticator, and its otpauth:// address, to standard output; on a
    /// terminal it is shown anyway, unless it goes to a file
    #[arg(long)]
    show_secret: bool,
    /// Draw the address as a QR code on the terminal too
    #[arg(long)]
    qr: bool,
}

/// One enrolment: from the secret that the provider has made to its first code.
pub(crate) struct Enrolment<'a> {
    profile: &'a Profile,
    showing: &'a Showing,
    keep: Keep,
    json: bool,
    can: Capabilities,
    /// The secret that is shown already.
    told: Option<SecretString>,
    /// A code of it was sent, and what became of that is not known.
    sent: bool,
}

impl<'a> Enrolment<'a> {
    /// The secret goes to the file that the profile reads `totp_secret` from, if that is a file, and to
    /// `copy`.
    pub(crate) fn new(
        profile: &'a Profile,
        can: Capabilities,
        showing: &'a Showing,
        copy: Option<PathBuf>,
        global: &Global,
    ) -> Result<Self, Problem> {
        let keep = Keep::of(profile, CredentialKind::TotpSecret).also(copy, None)?;
        Ok(Self { profile, showing, keep, json: global.json, can, told: None, sent: false })
    }

    /// Whether `challenge` is about a secret, which is then shown and kept.
    ///
    /// # Errors
    /// [`Exit::ChallengePending`] if nobody would ever see it; or if it cannot be kept.
    pub(crate) fn begin(&mut self, challenge: &Challenge) -> Result<bool, Problem> {
        let token = (self.profile.provider() == "cognito").then(|| SoftwareToken::of(challenge));
        let Some(token) = token.flatten() else { return Ok(false) };
        if !self.is_seen() {
            return Err(nobody_sees(self.profile, Exit::ChallengePending));
        }
        self.keep.pending(token.secret()).map_err(inputs::refused)?;
        if self.told.as_ref().is_some_and(|told| told.matches(token.secret())) {
            return Ok(true);
        }
        self.show(&token)?;
        self.told = Some(token.secret().clone());
        Ok(true)
    }

    /// The first code: given, or made of the secret where that is kept in a file, or typed.
    pub(crate) async fn code(
        &self,
        inputs: &mut Inputs,
        now: Timestamp,
    ) -> Result<SecretString, Problem> {
        if let Some(given) = inputs.take("code").await? {
            let given = code::tidy(given);
            return match code::is_of_authenticator(&given) {
                true => Ok(given),
                false => Err(no_code("a code of an authenticator has six digits")),
            };
        }
        if let Some(made) = self.made(now)? {
            return Ok(made);
        }
        for _ in 0..MOST_TRIES {
            let label = "code that the authenticator shows";
            let typed = code::tidy(inputs::ask("code", label, Typing::Hidden).await?);
            if code::is_of_authenticator(&typed) {
                return Ok(typed);
            }
            output::say("a code of an authenticator has six digits; nothing was sent");
        }
        Err(no_code("there is no code"))
    }

    /// The code of this moment, where the program keeps the secret.
    pub(crate) fn made(&self, now: Timestamp) -> Result<Option<SecretString>, Problem> {
        let Some(secret) = self.told.as_ref().filter(|_| self.keep.has_file()) else {
            return Ok(None);
        };
        let step = code_step(&self.can).unwrap_or_default();
        let totp = Totp::new(secret, SecretEncoding::Base32, step)?;
        Ok(Some(totp.code(totp.step_at(now))))
    }

    /// A code of the secret is about to be sent.
    pub(crate) const fn sending(&mut self) {
        self.sent = true;
    }

    /// The code was refused for certain: the secret does not hold.
    pub(crate) fn refused(&mut self) {
        self.sent = false;
        self.abandon();
    }

    /// Nobody goes on with it. What may hold stays where it is kept.
    pub(crate) fn abandon(&self) {
        if let Some(secret) = self.told.as_ref().filter(|_| !self.sent) {
            self.keep.settled(secret, false);
        }
    }

    /// A code has proved the secret.
    ///
    /// # Errors
    /// [`Exit::Store`] if it could not be put where the profile looks for it.
    pub(crate) fn proved(&mut self) -> Result<(), Problem> {
        let Some(secret) = self.told.take() else { return Ok(()) };
        self.keep.settled(&secret, true);
        self.keep.tell(self.profile)
    }

    /// Refuses to begin what nobody could finish.
    pub(crate) fn demand_a_reader(&self) -> Result<(), Problem> {
        if self.is_seen() { Ok(()) } else { Err(nobody_sees(self.profile, Exit::Usage)) }
    }

    fn is_seen(&self) -> bool {
        self.keep.has_file() || self.showing.show_secret || terminal::can_ask()
    }

    fn show(&self, token: &SoftwareToken) -> Result<(), Problem> {
        let (issuer, account) = (self.profile.name(), self.profile.account()?);
        let uri = token.uri(issuer, account);
        let (secret, address) = (token.secret().expose(), uri.expose());
        if self.showing.show_secret && self.json {
            output::json(&json!({ "totp_secret": secret, "otpauth_uri": address }))?;
        } else if self.showing.show_secret {
            output::data(format!("TOTP_SECRET={secret}\nOTPAUTH_URI={address}\n").as_bytes())?;
        } else if !self.keep.has_file() {
            output::say(&format!(
                "put this into an authenticator:\n  secret: {}\n  address: {address}",
                terminal::escape(secret)
            ));
        }
        if self.showing.qr && terminal::can_ask() {
            let drawn = qr::draw(address).unwrap_or_default();
            output::say(&drawn);
        }
        Ok(())
    }
}

fn no_code(what: &str) -> Problem {
    Problem::usage(format!("{what}; nothing was sent"), "begin again")
}

fn nobody_sees(profile: &Profile, exit: Exit) -> Problem {
    Problem::new(
        exit,
        "a new authenticator has a secret, and nobody would see it",
        format!(
            "write totp_secret = \"file:totp.txt\" into the profile {}, add --show-secret, or run it on \
             a terminal",
            profile.name()
        ),
    )
}
