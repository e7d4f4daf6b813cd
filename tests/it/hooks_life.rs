//! How credentials live and end in shells with the hook: renewal, refusal, revocation, clocks.
