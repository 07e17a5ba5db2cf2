//! ministack with `AUTH=true`: it has every operation but rotation, devices and codes by message. Where a case is not
//! about another flow, the sign-in is a proof of the password.

use super::{Emulator, cases};
use crate::support::left_out;

cases! {
    Emulator::Ministack;
    sign_in: password, srp, srp_with_a_client_secret, srp_many, client_secret, refusals, id_token;
    challenges: new_password, new_password_with_a_client_secret, software_token,
        software_token_with_a_client_secret, code_of_a_person, wrong_shared_secret;
    tokens: refresh, refresh_with_a_client_secret, refresh_the_old_way, revoke,
        sign_out_everywhere, renewal_under_load;
    account: who_am_i, change_password, forgotten_password;
    self_service: sign_up, second_factor;
}

#[test]
#[ignore = "needs a Cognito emulator, run by cargo xtask independent"]
fn rotation() {
    assert_eq!(Emulator::Ministack.key("ROTATES"), "no", "it rotates now: write its cases");
    left_out("ministack", "rotation, grace and reuse", "never another refresh token");
    left_out("ministack", "SMS_MFA and EMAIL_OTP", "never asked for");
}
