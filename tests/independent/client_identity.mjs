/*
 * amazon-cognito-identity-js, AWS's own client for JavaScript with SRP and devices, at our
 * simulator of a user pool. It has no client secret. How it talks with the test: client.py.
 */

import { createHmac } from 'node:crypto';
import { createInterface } from 'node:readline';

import cognito from 'amazon-cognito-identity-js';

const { AuthenticationDetails, CognitoRefreshToken, CognitoUser, CognitoUserAttribute, CognitoUserPool } = cognito;

const NEW_PASSWORD = 'Chosen-canary-1!';
// A client that hangs ends by itself.
const LIMIT = 120_000;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function line() {
  return (await lines.next()).value;
}

/** What was sent to that user last. */
async function mail(identity) {
  console.log(`ASK ${identity}`);
  return (await line()).trim();
}

function same(left, right) {
  if (JSON.stringify(left) !== JSON.stringify(right)) {
    throw new Error(`${JSON.stringify(left)} is not ${JSON.stringify(right)}`);
  }
}

/** A page's storage: of this process alone. */
class Storage {
  items = new Map();
  setItem(key, value) {
    this.items.set(key, String(value));
    return value;
  }
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  removeItem(key) {
    this.items.delete(key);
  }
  clear() {
    this.items.clear();
  }
}

/** RFC 6238 with the service's parameters; `ahead` steps from now. */
function code(secret, ahead = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac('sha1', key).update(step).digest();
  const offset = mac[19] & 0x0f;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function pool(setting, Storage_ = new Storage()) {
  return new CognitoUserPool({
    UserPoolId: setting.pool_id,
    ClientId: setting.client_id,
    endpoint: `${setting.url}/`,
    Storage: Storage_,
    AdvancedSecurityDataCollectionFlag: false,
  });
}

function user(setting, storage = new Storage(), name = setting.identity) {
  return new CognitoUser({ Username: name, Pool: pool(setting, storage), Storage: storage });
}

/** What a method with callbacks came to: the name of the callback, and what it was given. */
function outcome(call) {
  return new Promise((resolve) => {
    const names = [
      'onSuccess', 'onFailure', 'newPasswordRequired', 'mfaRequired', 'totpRequired', 'mfaSetup',
      'selectMFAType', 'customChallenge', 'inputVerificationCode', 'associateSecretCode',
    ];
    const callbacks = names.map((name) => [name, (...given) => resolve({ name, given })]);
    call(Object.fromEntries(callbacks));
  });
}

async function expect(name, call) {
  const came = await outcome(call);
  if (came.name !== name) throw new Error(`${came.name} instead of ${name}: ${came.given[0]?.message ?? ''}`);
  return came.given;
}

async function refused(code, call) {
  const [error] = await expect('onFailure', call);
  same(error.code, code);
  return error.message;
}

/** A method with one callback of error and value, as a promise. */
function called(call) {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}

function details(of, password) {
  return new AuthenticationDetails({ Username: of.getUsername(), Password: password });
}

function signIn(of, password) {
  return (callbacks) => of.authenticateUser(details(of, password), callbacks);
}

async function signedIn(of, password) {
  const [session] = await expect('onSuccess', signIn(of, password));
  if (!session.isValid()) throw new Error('a session that is not valid');
  return session;
}

const cases = {
  async srp(setting) {
    const kim = user(setting);
    same(await refused('NotAuthorizedException', signIn(kim, 'canary-Wr0ng!')), 'Incorrect username or password.');
    const session = await signedIn(user(setting), setting.password);
    same(session.getAccessToken().payload.token_use, 'access');
    return 'proved; a wrong one refused';
  },

  async srp_many(setting) {
    for (let turn = 0; turn < 6; turn += 1) await signedIn(user(setting), setting.password);
    return 'six proofs of values that begin with zeros';
  },

  async password(setting) {
    const kim = user(setting);
    kim.setAuthenticationFlowType('USER_PASSWORD_AUTH');
    await refused('NotAuthorizedException', signIn(kim, 'canary-Wr0ng!'));
    await signedIn(kim, setting.password);
    const attributes = await called((done) => kim.getUserAttributes(done));
    same(attributes.find((of) => of.getName() === 'email').getValue(), setting.identity);
    return 'sent; a wrong one refused; GetUser';
  },

  async hidden(setting) {
    const nobody = user(setting, new Storage(), 'nobody');
    same(await refused('NotAuthorizedException', signIn(nobody, 'x')), 'Incorrect username or password.');
    return 'a challenge for nobody, then the refusal of a wrong password';
  },

  async new_password(setting) {
    const kim = user(setting);
    const [attributes] = await expect('newPasswordRequired', signIn(kim, setting.password));
    same(attributes.email, setting.identity);
    await refused('InvalidPasswordException', (c) => kim.completeNewPasswordChallenge('weak', {}, c));
    await expect('onSuccess', (c) => kim.completeNewPasswordChallenge(NEW_PASSWORD, {}, c));
    await signedIn(user(setting), NEW_PASSWORD);
    return 'NEW_PASSWORD_REQUIRED after the proof; weak refused, chosen taken';
  },

  async software_token(setting) {
    const kim = user(setting);
    await expect('totpRequired', signIn(kim, setting.password));
    const right = code(setting.totp_secret);
    const wrong = right === '000000' ? '111111' : '000000';
    await refused('CodeMismatchException', (c) => kim.sendMFACode(wrong, c, 'SOFTWARE_TOKEN_MFA'));
    await expect('onSuccess', (c) => kim.sendMFACode(right, c, 'SOFTWARE_TOKEN_MFA'));
    return 'wrong, then right with the same session';
  },

  async select(setting) {
    const kim = user(setting);
    const [name, parameters] = await expect('selectMFAType', signIn(kim, setting.password));
    same([name, JSON.parse(parameters.MFAS_CAN_CHOOSE)], ['SELECT_MFA_TYPE', ['SMS_MFA', 'SOFTWARE_TOKEN_MFA']]);
    await expect('mfaRequired', (c) => kim.sendMFASelectionAnswer('SMS_MFA', c));
    const sent = await mail(setting.identity);
    await expect('onSuccess', (c) => kim.sendMFACode(sent, c, 'SMS_MFA'));
    return 'SELECT_MFA_TYPE, then SMS_MFA';
  },

  async mfa_setup(setting) {
    const kim = user(setting);
    await expect('mfaSetup', signIn(kim, setting.password));
    const [secret] = await expect('associateSecretCode', (c) => kim.associateSoftwareToken(c));
    await expect('onSuccess', (c) => kim.verifySoftwareToken(code(secret), 'a test', c));
    const again = user(setting);
    await expect('totpRequired', signIn(again, setting.password));
    await expect('onSuccess', (c) => again.sendMFACode(code(secret, 1), c, 'SOFTWARE_TOKEN_MFA'));
    return 'associated, verified and answered; asked for at the next sign-in';
  },

  async preference(setting) {
    const kim = user(setting);
    await signedIn(kim, setting.password);
    const [secret] = await expect('associateSecretCode', (c) => kim.associateSoftwareToken(c));
    await expect('onSuccess', (c) => kim.verifySoftwareToken(code(secret), 'a test', c));
    const on = { Enabled: true, PreferredMfa: true };
    same(await called((done) => kim.setUserMfaPreference(null, on, done)), 'SUCCESS');
    await expect('totpRequired', signIn(user(setting), setting.password));
    const data = await called((done) => kim.getUserData(done, { bypassCache: true }));
    same([data.PreferredMfaSetting, data.UserMFASettingList], ['SOFTWARE_TOKEN_MFA', ['SOFTWARE_TOKEN_MFA']]);
    return 'associated, verified, preferred, asked for';
  },

  async device(setting) {
    const storage = new Storage();
    const kim = user(setting, storage);
    await expect('mfaRequired', signIn(kim, setting.password));
    const sent = await mail(setting.identity);
    await expect('onSuccess', (c) => kim.sendMFACode(sent, c));
    // The password is proved once more, the device too, and no code is asked for.
    const again = user(setting, storage);
    const session = await signedIn(again, setting.password);
    const [elsewhere] = await expect('mfaRequired', signIn(user(setting), setting.password));
    same(elsewhere, 'SMS_MFA');
    const renewed = await called((done) => again.refreshSession(session.getRefreshToken(), done));
    if (!renewed.isValid()) throw new Error('not renewed');
    await expect('onSuccess', (c) => again.forgetSpecificDevice(again.deviceKey, c));
    await expect('mfaRequired', signIn(user(setting, storage), setting.password));
    return 'confirmed, proved in place of a code, bound to its refreshes; gone, and dropped by the client in the same sign-in';
  },

  async refresh(setting) {
    const kim = user(setting);
    const first = await signedIn(kim, setting.password);
    const second = await called((done) => kim.refreshSession(first.getRefreshToken(), done));
    if (second.getAccessToken().getJwtToken() === first.getAccessToken().getJwtToken()) throw new Error('the same token');
    same(second.getRefreshToken().getToken(), first.getRefreshToken().getToken());
    const dead = new CognitoRefreshToken({ RefreshToken: 'canary-never-issued' });
    const error = await called((done) => kim.refreshSession(dead, done)).catch((refusal) => refusal);
    same([error.code, error.message], ['NotAuthorizedException', 'Invalid Refresh Token']);
    return 'renewed, the refresh token kept; a dead one refused';
  },

  async sign_out(setting) {
    const kim = user(setting);
    const revoked = (await signedIn(kim, setting.password)).getRefreshToken();
    await called((done) => kim.signOut(done));
    const other = user(setting);
    await signedIn(other, setting.password);
    const error = await called((done) => other.refreshSession(revoked, done)).catch((refusal) => refusal);
    same(error.message, 'Refresh Token has been revoked');
    const last = user(setting);
    await signedIn(last, setting.password);
    await expect('onSuccess', (c) => last.globalSignOut(c));
    return 'RevokeToken and GlobalSignOut';
  },

  async passwords(setting) {
    const kim = user(setting);
    await expect('inputVerificationCode', (c) => kim.forgotPassword(c));
    await refused('CodeMismatchException', (c) => kim.confirmPassword('000', NEW_PASSWORD, c));
    const sent = await mail(setting.identity);
    await expect('onSuccess', (c) => kim.confirmPassword(sent, NEW_PASSWORD, c));
    const again = user(setting);
    await signedIn(again, NEW_PASSWORD);
    same(await called((done) => again.changePassword(NEW_PASSWORD, setting.password, done)), 'SUCCESS');
    await signedIn(user(setting), setting.password);
    return 'forgot, wrong code, confirm, change';
  },

  async sign_up(setting) {
    const email = new CognitoUserAttribute({ Name: 'email', Value: 'newcomer@pool.example' });
    const made = await called((done) => pool(setting).signUp('newcomer', NEW_PASSWORD, [email], null, done));
    same(made.userConfirmed, false);
    const newcomer = user(setting, new Storage(), 'newcomer');
    await refused('UserNotConfirmedException', signIn(newcomer, NEW_PASSWORD));
    await called((done) => newcomer.resendConfirmationCode(done));
    const sent = await mail('newcomer');
    same(await called((done) => newcomer.confirmRegistration(sent, true, done)), 'SUCCESS');
    await signedIn(user(setting, new Storage(), 'newcomer'), NEW_PASSWORD);
    return 'signed up, told that it is not confirmed, resent, confirmed, proved';
  },

  async custom(setting) {
    const kim = user(setting);
    kim.setAuthenticationFlowType('CUSTOM_AUTH');
    const [parameters] = await expect('customChallenge', signIn(kim, setting.password));
    same(parameters.hint, 'canary-hint');
    await expect('onSuccess', (c) => kim.sendCustomChallengeAnswer(setting.custom_answer, c));
    return 'CUSTOM_AUTH after the proof';
  },
};

setTimeout(() => {
  console.error('too slow');
  process.exit(1);
}, LIMIT).unref();

const setting = JSON.parse(await line());
console.log(`SAW ${await cases[process.argv[2]](setting)}`);
process.exit(0);
