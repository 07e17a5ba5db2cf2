//! moto's server: neither GetTokensFromRefreshToken nor RevokeToken, and tokens of one hour.

use super::{Emulator, cases};
use crate::support::left_out;

cases! {
    Emulator::Moto;
    sign_in: password, srp, srp_with_a_client_secret, client_secret, refusals, id_token;
    challenges: new_password, new_password_with_a_client_secret, software_token,
        software_token_with_a_client_secret, code_of_a_person, wrong_shared_secret,
        answer_given_twice, code_by_message, new_password_after_a_proof,
        software_token_after_a_proof;
    tokens: refresh_the_old_way, refresh_with_a_client_secret, sign_out_without_revocation,
        sign_out_everywhere;
    account: who_am_i, change_password, forgotten_password;
    self_service: sign_up, second_factor;
}

#[test]
#[ignore = "needs a Cognito emulator, run by cargo xtask independent"]
fn operations_that_are_absent() {
    for key in ["GET_TOKENS", "REVOKES", "ROTATES"] {
        assert_eq!(Emulator::Moto.key(key), "no", "it has {key} now: write its cases");
    }
    left_out("moto", "GetTokensFromRefreshToken, RevokeToken, rotation", "absent: status 500");
    left_out("moto", "renewal of short tokens", "every token lives an hour");
    left_out("moto", "EMAIL_OTP", "never asked for");
}
