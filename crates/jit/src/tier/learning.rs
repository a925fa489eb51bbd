//! What exits teach, and when a unit is given up.

use super::*;
use crate::build::HeadKind;
use crate::profile::Variance;

impl Unit {
    /// After an exit: notes what it teaches. Once there were enough of them the code is compiled anew without all the
    /// assumptions that keep failing.
    pub fn learn(&self, cx: &mut Cx, exit: &Exit) {
        match exit.reason {
            Reason::Entry => self.note_entry(cx, exit),
            Reason::Number => self.note_head(cx, exit),
            _ => {}
        }
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        if !failures.is_multiple_of(self.patience.get()) {
            return;
        }
        for exit in &self.made.borrow().exits {
            let often = exit.count.get() >= (failures / 32).max(4);
            let taught = match exit.reason {
                Reason::Raised | Reason::Again => exit.catcher(),
                reason if reason.teaches() => exit.frames.last().map(|f| (f.code, f.pc)),
                _ => None,
            };
            let Some((code, pc)) = taught.filter(|_| often) else { continue };
            if let Some((catcher, at)) = exit.catcher()
                && let Some(f) = exit.frames.last()
                && matches!(exit.reason, Reason::Raised | Reason::Again | Reason::Index | Reason::Division)
            {
                // What catches it may be a caller of what raised it, or of what is about to.
                let raised = f.pc.saturating_sub((exit.reason == Reason::Raised) as u32);
                data(f.code).profile.fail(raised, Reason::Raised);
                data(catcher).profile.fail(at, Reason::Raised);
            }
            // Of a loop's beginning it is known which register was the cause.
            if exit.reason != Reason::Number || !data(code).profile.any_head_varies(pc) {
                data(code).profile.fail(pc, exit.reason);
            }
        }
        self.discard();
    }

    /// Notes that a resumption was left to the interpreter. Code that mostly does so, and before that does little, is of no use.
    pub fn note_left(&self) {
        self.left.set(self.left.get() + 1);
        let mostly = self.left.get() >= 64 && self.left.get() > self.code.resumed.get() / 4;
        if mostly && self.cost.get() < WORTH_LEAVING {
            self.discard();
            refuse(data(self.code), self.entry, "left to the interpreter");
        }
    }

    /// Notes which registers were not of the kinds that the code expects on entry.
    pub(super) fn note_entry(&self, cx: &mut Cx, exit: &Exit) {
        let Some(frame) = exit.frames.last() else { return };
        let known = data(frame.code);
        // SAFETY: FRAME-1; an exit on entry leaves the registers as they are.
        let regs = unsafe { (*cx.frame).regs };
        for (r, ty) in &self.entry_kinds {
            // SAFETY: a register of the code.
            let now = unsafe { Value::from_bits(*regs.add(*r as usize)) };
            let same = now.is_some_and(|v| match ty {
                Type::Int => v.is_small(),
                _ => std::ptr::eq(v.class(), &taipan_runtime::types::float::FLOAT),
            });
            if !same {
                known.profile.vary(frame.pc, *r);
            }
        }
    }

    /// Notes which registers were not what a loop was assumed to begin with.
    fn note_head(&self, cx: &mut Cx, exit: &Exit) {
        let Some(frame) = exit.frames.last() else { return };
        // SAFETY: FRAME-1; the exit has written the registers.
        let regs = unsafe { (*cx.frame).regs };
        for fact in self.head_facts.iter().filter(|f| f.pc == frame.pc && std::ptr::eq(f.code, frame.code)) {
            // SAFETY: a register of the code.
            let now = unsafe { Value::from_bits(*regs.add(fact.register as usize)) };
            let how = match (fact.kind, now) {
                (_, None) => Some(Variance::Unbound),
                (HeadKind::Int(lo, hi), Some(v)) => match v.as_small() {
                    Some(i) => (!(lo..=hi).contains(&i)).then_some(Variance::Range),
                    None => Some(Variance::Kind),
                },
                (HeadKind::Float, Some(v)) => {
                    (!std::ptr::eq(v.class(), &taipan_runtime::types::float::FLOAT)).then_some(Variance::Kind)
                }
                (HeadKind::Word, Some(v)) => taipan_runtime::types::int::as_u64(v).is_none().then_some(Variance::Kind),
            };
            if let Some(how) = how {
                data(frame.code).profile.vary_at_head(frame.pc, fact.register, how);
            }
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.valid.load(Ordering::Relaxed) != 0
    }

    /// The worker is done with it.
    pub(super) fn arrived(&self) {
        self.pending.set(false);
        data(self.code).pending.retain(|entry| *entry != self.entry);
    }

    /// Lets it count as never made.
    pub(super) fn forgive(&self) {
        let made = &mut data(self.code).entry(self.entry).made;
        *made = made.saturating_sub(1);
    }

    /// Lets nobody enter the unit any more.
    pub(super) fn discard(&self) {
        if self.valid.swap(0, Ordering::Relaxed) == 0 {
            return;
        }
        stats::STATS.with_borrow_mut(|s| s.invalidated += 1);
        DISCARDED.store(true, Ordering::Relaxed);
        data(self.code).units.retain(|u| !std::ptr::eq(u.1, self));
        if data(self.code).units.is_empty() {
            self.code.has_resumes.set(false);
        }
        self.code.resume_code.set(std::ptr::null());
        if self.entry == ENTRY {
            self.code.native.set(std::ptr::null());
        }
        self.publish_typed(std::ptr::null());
    }
}
