//! The seam between the machine and the driver, for tests: what the machine wants done passes through
//! it before it is done.

use std::sync::Arc;

use countersign_core::KeyDigest;
use countersign_core::session::{Effect, Event};

/// Sees every event and every effect of every session of a keeper, and may do something else in an
/// effect's place. For tests: defects are seeded here (a mark that is not written, a token that is
/// handed out before it is stored), and a program is made to die between any two steps. A keeper
/// without one pays nothing for it.
///
/// The order of one turn is: [`event`](Self::event), then [`effect`](Self::effect) once for each
/// effect that the machine answered with, in their order; then what came back is carried out, in its
/// order. A step of an exchange (`Prepare` to `Commit`) is carried out by the exchange's task, after the
/// steps before it, and its end is the next event. So a test that ends its process in `effect` at
/// `Send` ends it after the mark was written and before anything was sent, and one that does so in
/// `event` at `Answered` has sent and written nothing of the answer.
///
/// An effect that is swallowed is not done and reports nothing: the session waits as if its process
/// had died. A write that is to be *called* done without being done is put as one that changes
/// nothing: `Journal(id, Grant::Save)`.
///
/// Both methods run under the session's mutex: they must return soon, must not touch the session, and
/// must not panic. Events and effects name tokens by generation and hash; no secret comes by here.
///
/// ```
/// use countersign_core::KeyDigest;
/// use countersign_core::session::{Effect, Grant};
/// use countersign_runtime::{EffectFilter, Keeper};
///
/// /// A driver that forgets the mark before a refresh.
/// struct NoJournal;
///
/// impl EffectFilter for NoJournal {
///     fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
///         vec![match effect {
///             Effect::Journal(id, Grant::Refresh) => Effect::Journal(id, Grant::Save),
///             other => other,
///         }]
///     }
/// }
///
/// let keeper = Keeper::builder().effect_filter(NoJournal);
/// # let _ = keeper;
/// ```
pub trait EffectFilter: Send + Sync + 'static {
    /// `session` is about to be told `event`.
    fn event(&self, session: KeyDigest, event: &Event) {
        let _ = (session, event);
    }

    /// What is done in the place of `effect`: the same, nothing, or other things in this order.
    fn effect(&self, session: KeyDigest, effect: Effect) -> Vec<Effect>;
}

/// The filter of a keeper, if it has one.
#[derive(Clone, Default)]
pub(crate) struct Seam(Option<Arc<dyn EffectFilter>>);

impl Seam {
    pub(crate) fn of(filter: impl EffectFilter) -> Self {
        Self(Some(Arc::new(filter)))
    }

    pub(crate) fn event(&self, session: KeyDigest, event: &Event) {
        if let Some(filter) = &self.0 {
            filter.event(session, event);
        }
    }

    pub(crate) fn effects(&self, session: KeyDigest, effects: Vec<Effect>) -> Vec<Effect> {
        match &self.0 {
            None => effects,
            Some(filter) => {
                effects.into_iter().flat_map(|effect| filter.effect(session, effect)).collect()
            }
        }
    }
}
