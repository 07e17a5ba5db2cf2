//! Faults of the driver's protocol, as changes to a copy of its files.

/// One fault.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    /// Its name.
    pub name: &'static str,
    /// File, what stands there once, and what is put in its place; `SEEDED` there says whether the
    /// fault is awake.
    pub changes: &'static [(&'static str, &'static str, &'static str)],
}

/// All of them.
pub const SEEDS: &[Seed] = &[
    Seed {
        name: "nobody hears that the slot is free",
        changes: &[(
            "flight.rs",
            "        drop(incoming);\n        self.notify_waiters();",
            "        drop(incoming);\n        if !SEEDED { self.notify_waiters(); }",
        )],
    },
    Seed {
        name: "a lost flight is not reported",
        changes: &[(
            "flight.rs",
            "self.cell.post_lost(self.id);",
            "if !SEEDED { self.cell.post_lost(self.id); }",
        )],
    },
    Seed {
        name: "nobody hears of a landing",
        changes: &[(
            "shared.rs",
            "self.landed.notify_waiters();",
            "if !SEEDED { self.landed.notify_waiters(); }",
        )],
    },
    Seed {
        name: "published when the mutex is free again",
        changes: &[
            (
                "post.rs",
                "pub(crate) wake: bool,\n",
                "pub(crate) wake: bool,\n    late: Option<Bundle>,\n",
            ),
            (
                "post.rs",
                "self.hand_out(&bundle);\n        }\n        after",
                "if SEEDED { after.late = Some(bundle); } else { self.hand_out(&bundle); }\n        }\n        after",
            ),
            (
                "post.rs",
                "        if after.wake {\n            self.notify_waiters",
                "        if let Some(late) = &after.late { self.hand_out(late); }\n        if after.wake {\n            self.notify_waiters",
            ),
        ],
    },
    Seed {
        name: "the mutex is let go between look and event",
        changes: &[(
            "post.rs",
            "        let mut core = self.core();\n        if !still(&core) {\n            return None;\n        }\n",
            "        let mut core = self.core();\n        if !still(&core) {\n            return None;\n        }\n        if SEEDED { drop(core); core = self.core(); }\n",
        )],
    },
    Seed {
        name: "an appointment is cleared before the machine is told",
        changes: &[(
            "post.rs",
            "        self.post(Event::Due, Cargo::default());\n        true",
            "        if SEEDED { self.core().appointment = None; }\n        self.post(Event::Due, Cargo::default());\n        true",
        )],
    },
    Seed {
        name: "the ticker is not told of an earlier appointment",
        changes: &[(
            "post.rs",
            "after.wake = true;\n            self.shared.wake.notify_one();",
            "after.wake = true;\n            if !SEEDED { self.shared.wake.notify_one(); }",
        )],
    },
    Seed {
        name: "what is about to fly is counted too late",
        changes: &[
            (
                "post.rs",
                "after.take_off.iter().for_each(|_| self.shared.took_off());",
                "if !SEEDED { after.take_off.iter().for_each(|_| self.shared.took_off()); }",
            ),
            (
                "post.rs",
                "        after.take_off.into_iter().for_each(",
                "        if SEEDED { after.take_off.iter().for_each(|_| self.shared.took_off()); }\n        after.take_off.into_iter().for_each(",
            ),
        ],
    },
    Seed {
        name: "an operation looks before it is counted",
        changes: &[
            (
                "operations.rs",
                "        shared.took_off();\n",
                "        if SEEDED && shared.is_closed() { return Err(crate::obtain::closed()); }\n        let early = SEEDED;\n        shared.took_off();\n",
            ),
            (
                "operations.rs",
                "        if shared.is_closed() {\n            return Err(crate::obtain::closed());\n        }\n",
                "        if !early && shared.is_closed() {\n            return Err(crate::obtain::closed());\n        }\n",
            ),
            // The second look, which comes after the count, would make up for the first.
            (
                "operations.rs",
                "            if shared.is_closed() {\n",
                "            if !SEEDED && shared.is_closed() {\n",
            ),
        ],
    },
    Seed {
        name: "whoever found nothing asks, although it is there by now",
        changes: &[(
            "post.rs",
            "            !here && served.is_none() && core.machine.demand() == Demand::Ask",
            "            SEEDED || (!here && served.is_none() && core.machine.demand() == Demand::Ask)",
        )],
    },
    Seed {
        name: "anybody's news wipes the credentials for one time",
        changes: &[(
            "inner.rs",
            "if decided && theirs && self.machine.status() != Status::Authenticating {",
            "if decided && (SEEDED || theirs && self.machine.status() != Status::Authenticating) {",
        )],
    },
    Seed {
        name: "credentials for one time are joined to a sign-in that has taken others",
        changes: &[(
            "post.rs",
            "if after.decided && core.owes_sign_in(from) {",
            "if !SEEDED && after.decided && core.owes_sign_in(from) {",
        )],
    },
    Seed {
        name: "an answer is told although no challenge waits",
        changes: &[(
            "post.rs",
            "let still = |core: &Core| !answer || core.machine.challenge().is_some();",
            "let still = |core: &Core| SEEDED || !answer || core.machine.challenge().is_some();",
        )],
    },
    Seed {
        name: "a waiter hears the last end only",
        changes: &[(
            "told.rs",
            "self.news.iter().skip(self.news.len().saturating_sub(new))",
            "self.news.iter().skip(self.news.len().saturating_sub(if SEEDED { new.min(1) } else { new }))",
        )],
    },
    Seed {
        name: "changes count from the first poll on",
        changes: &[(
            "session.rs",
            "        let before = self.0.version();\n        async move {\n",
            "        let before = self.0.version();\n        async move {\n            let before = if SEEDED { self.0.version() } else { before };\n",
        )],
    },
    Seed {
        name: "a step starts another flight",
        changes: &[(
            "inner.rs",
            "        if !slot.running {\n            slot.running = true;\n            after.take_off.push(id);",
            "        if SEEDED || !slot.running {\n            slot.running = true;\n            after.take_off.push(id);",
        )],
    },
    Seed {
        name: "a panic takes the flight along",
        changes: &[(
            "flight.rs",
            "let step = caught(flight.step(effect)).await;",
            "let step = if SEEDED { Ok(flight.step(effect).await) } else { caught(flight.step(effect)).await };",
        )],
    },
    Seed {
        name: "an unsaved session is not kept",
        changes: &[(
            "post.rs",
            "self.shared.keep_unsaved(self, !core.saved || core.has_parked());",
            "if !SEEDED { self.shared.keep_unsaved(self, !core.saved || core.has_parked()); }",
        )],
    },
    Seed {
        name: "every caller reads",
        changes: &[(
            "reading.rs",
            "        if state.under_way {\n",
            "        if !SEEDED && state.under_way {\n",
        )],
    },
    Seed {
        name: "who waits is told that the reader goes before it has gone",
        changes: &[
            (
                "reading.rs",
                "    fn drop(&mut self) {\n        if let Some(state)",
                "    fn drop(&mut self) {\n        if SEEDED { self.0.notify_waiters(); }\n        if let Some(state)",
            ),
            (
                "reading.rs",
                "        self.0.notify_waiters();\n    }\n}\n\nimpl Cell",
                "        if !SEEDED { self.0.notify_waiters(); }\n    }\n}\n\nimpl Cell",
            ),
        ],
    },
    Seed {
        name: "a refusal of what was not read is forgotten",
        changes: &[(
            "inner.rs",
            "            self.refused = Some(*generation);",
            "            self.refused = Some(*generation).filter(|_| !SEEDED);",
        )],
    },
    Seed {
        name: "what was refused is handed out until the machine hears of it",
        changes: &[(
            "post.rs",
            "if self.wants_headers(shown.get()) && core.refused != Some(generation) {",
            "if self.wants_headers(shown.get()) && (SEEDED || core.refused != Some(generation)) {",
        )],
    },
    Seed {
        name: "an exchange under way does not keep its session awake",
        changes: &[(
            "rest.rs",
            "            && core.machine.status() == Status::Active\n            && core.machine.served().is_some()\n            && core.machine.exchange().is_none()\n            && core.flights.is_empty()\n",
            "            && (SEEDED || core.machine.status() == Status::Active\n            && core.machine.served().is_some()\n            && core.machine.exchange().is_none()\n            && core.flights.is_empty())\n",
        )],
    },
    Seed {
        name: "what the store has not taken may rest",
        changes: &[(
            "rest.rs",
            "            && core.saved\n            && core.unsaved.is_none()\n",
            "            && (SEEDED || core.saved && core.unsaved.is_none())\n",
        )],
    },
    Seed {
        name: "a session that rests hands out what it had",
        changes: &[(
            "rest.rs",
            "let shown = self.snapshot.take(&self.shared.nothing);",
            "let shown = if SEEDED { self.snapshot.load_full() } else { self.snapshot.take(&self.shared.nothing) };",
        )],
    },
    Seed {
        name: "a keeper that only reads has the rules of one that writes",
        changes: &[(
            "cell.rs",
            "        if self.is_read_only() {\n",
            "        if !SEEDED && self.is_read_only() {\n",
        )],
    },
    Seed {
        name: "a reader that has found nothing has it bought",
        changes: &[
            (
                "obtain.rs",
                "                true if self.is_read_only() => return",
                "                true if !SEEDED && self.is_read_only() => return",
            ),
            (
                "read_only.rs",
                "    async fn lock(&self, _: &RecordName, _: Duration, _: Duration) -> Result<Box<dyn Lock>, Error> {\n",
                "    async fn lock(&self, a: &RecordName, b: Duration, c: Duration) -> Result<Box<dyn Lock>, Error> {\n        if SEEDED { return self.0.lock(a, b, c).await; }\n",
            ),
        ],
    },
    Seed {
        name: "what is given up keeps its lock",
        changes: &[(
            "flight.rs",
            "        // The guard tells the machine, once others can have the lock.\n        guard.flight.let_go().await;\n",
            "        if SEEDED { std::mem::forget(guard.flight.lock.take()); }\n        guard.flight.let_go().await;\n",
        )],
    },
    Seed {
        name: "nobody is woken by what is given up",
        changes: &[(
            "flight.rs",
            "        if self.given_up {\n",
            "        if !SEEDED && self.given_up {\n",
        )],
    },
    Seed {
        name: "what begins after the end flies on",
        changes: &[(
            "handover.rs",
            "            if this.shared.has_given_up() {\n",
            "            if !SEEDED && this.shared.has_given_up() {\n",
        )],
    },
    Seed {
        name: "who gives way is not woken",
        changes: &[(
            "turns.rs",
            "context.waker().wake_by_ref();",
            "if !SEEDED { context.waker().wake_by_ref(); }",
        )],
    },
    Seed {
        name: "a lost write counts as a failed one",
        changes: &[(
            "flight.rs",
            "let left = if self.landed || self.given_up { None } else { self.write_left() };",
            "let left = if self.landed || self.given_up || SEEDED { None } else { self.write_left() };",
        )],
    },
];
