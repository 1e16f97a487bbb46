//! Looks for proofs of a few steps, and reports no error where there is none.
//!
//! Each generic body proves a little about its types, and relies on its where clauses for the rest.
//! An instance in a chain of inlined bodies has to prove it all. That may exceed the recursion
//! limit, although nobody uses that instance, and to exceed it is an error for whoever asks. This
//! search gives up instead.
//!
//! It takes [`STEPS_LIMIT`] steps at most. Each selects one impl or where clause; to choose among
//! several may take more, as it does for whoever asks then.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use rustc_data_structures::fx::FxIndexSet;
use rustc_hir::def::DefKind;
use rustc_infer::infer::{DefineOpaqueTypes, TyCtxtInferExt};
use rustc_infer::traits::{ImplSource, Obligation, ObligationCause, PredicateObligation};
use rustc_middle::ty::{
    self, AliasTerm, Binder, ClauseKind, GenericArg, GenericArgsRef, PolyTraitRef, Predicate,
    PredicateKind, TraitRef, Ty, TyCtxt, TypeSuperVisitable, TypeVisitable, TypeVisitableExt,
    TypeVisitor, TypingEnv,
};
use rustc_trait_selection::traits::{SelectionContext, TraitQueryMode};
use tracing::debug;

/// How many steps all proofs together may take. A proof is no deeper than it has steps, and the
/// recursion limit is 128 as a rule. Nor do they take more than half the limit: the other half is
/// for the steps of whoever asks.
const STEPS_LIMIT: usize = 64;

/// How many parts the types of an argument may have, written out, for an instance to be made.
const PARTS_LIMIT: usize = 1000;

/// Whether a proof about some of the types in `args` may exceed the recursion limit of the crate,
/// which is an error where it is attempted, or take long.
///
/// How deep a proof goes is not known without it. A trait that is implemented by layers takes two
/// steps or three for each, so types may nest to a quarter of the limit: 32 levels, as a rule. Far
/// fewer levels of `(T, T)` are a type that takes for ever to normalize, which is done part by part
/// ([`PARTS_LIMIT`]).
pub(super) fn nest_deep<'tcx>(
    tcx: TyCtxt<'tcx>,
    args: impl IntoIterator<Item = GenericArgsRef<'tcx>>,
) -> bool {
    let args: FxIndexSet<_> = args.into_iter().flat_map(|args| args.iter()).collect();
    args.into_iter().any(|arg| is_deep_or_large(tcx, arg))
}

/// The same for one type or constant.
pub(super) fn is_deep_or_large<'tcx>(tcx: TyCtxt<'tcx>, arg: GenericArg<'tcx>) -> bool {
    let levels = tcx.recursion_limit().0 / 4;
    arg.visit_with(&mut Limits { levels, parts: PARTS_LIMIT }).is_break()
}

/// Breaks off where a type has no more levels or parts left.
struct Limits {
    levels: usize,
    parts: usize,
}

impl Limits {
    fn visit_inner<'tcx>(
        &mut self,
        part: impl TypeSuperVisitable<TyCtxt<'tcx>>,
    ) -> ControlFlow<()> {
        if self.levels == 0 || self.parts == 0 {
            return ControlFlow::Break(());
        }
        self.parts -= 1;
        self.levels -= 1;
        part.super_visit_with(self)?;
        self.levels += 1;
        ControlFlow::Continue(())
    }
}

impl<'tcx> TypeVisitor<TyCtxt<'tcx>> for Limits {
    type Result = ControlFlow<()>;

    fn visit_ty(&mut self, ty: Ty<'tcx>) -> ControlFlow<()> {
        self.visit_inner(ty)
    }

    fn visit_const(&mut self, constant: ty::Const<'tcx>) -> ControlFlow<()> {
        self.visit_inner(constant)
    }
}

/// Whether all of `traits` are known to have short proofs, and all of `aliases` to be defined by
/// few steps.
pub(crate) fn exist<'tcx>(
    tcx: TyCtxt<'tcx>,
    typing_env: TypingEnv<'tcx>,
    traits: impl IntoIterator<Item = TraitRef<'tcx>>,
    aliases: impl IntoIterator<Item = AliasTerm<'tcx>>,
) -> bool {
    let (infcx, param_env) = tcx.infer_ctxt().ignoring_regions().build_with_typing_env(typing_env);
    // The new solver does not select in this way, so nothing is known.
    if infcx.next_trait_solver() {
        return false;
    }
    // In the other mode an overflow is an error of the program.
    let mut selection = SelectionContext::with_query_mode(&infcx, TraitQueryMode::Canonical);
    let mut goals = Goals { tcx, waiting: VecDeque::new() };
    for of_trait in traits {
        goals.add(Binder::dummy(of_trait), None, 0);
    }
    for alias in aliases {
        goals.add_alias(alias, 0);
    }
    for _ in 0..STEPS_LIMIT.min(tcx.recursion_limit().0 / 2) {
        let Some(goal) = goals.waiting.pop_back() else { return true };
        let of_trait = infcx.resolve_vars_if_possible(goal.of_trait);
        let cause = ObligationCause::dummy();
        let obligation = Obligation::with_depth(tcx, cause, goal.depth, param_env, of_trait);
        match selection.poly_select(&obligation) {
            Ok(Some(source)) => {
                if let Some((alias, expected)) = goal.defined
                    && let Some(ty) = goals.define(alias, &source, goal.depth)
                    && let Some(expected) = expected
                {
                    // What is left to infer may be told by that. If it does not fit, that is for
                    // others to tell.
                    let at = infcx.at(&obligation.cause, param_env);
                    let _ = at.eq(DefineOpaqueTypes::No, expected, ty);
                }
                for nested in source.nested_obligations() {
                    goals.add_predicate(nested.predicate, nested.recursion_depth);
                }
            }
            // Something is not inferred yet.
            Ok(None) => goals.waiting.push_front(goal),
            Err(error) => {
                debug!(?of_trait, ?error, "has no proof");
                return false;
            }
        }
    }
    debug!(left = ?goals.waiting, "takes a long proof");
    goals.waiting.is_empty()
}

/// What is to be proved.
struct Goals<'tcx> {
    tcx: TyCtxt<'tcx>,
    waiting: VecDeque<Goal<'tcx>>,
}

#[derive(Debug)]
struct Goal<'tcx> {
    of_trait: PolyTraitRef<'tcx>,
    /// An associated type of that trait which is to be known, and what it has to be.
    defined: Option<(AliasTerm<'tcx>, Option<Ty<'tcx>>)>,
    /// How many steps lead to it.
    depth: usize,
}

impl<'tcx> Goals<'tcx> {
    fn add(
        &mut self,
        of_trait: PolyTraitRef<'tcx>,
        defined: Option<(AliasTerm<'tcx>, Option<Ty<'tcx>>)>,
        depth: usize,
    ) {
        self.waiting.push_back(Goal { of_trait, defined, depth });
    }

    fn add_alias(&mut self, alias: AliasTerm<'tcx>, depth: usize) {
        self.add(Binder::dummy(alias.trait_ref(self.tcx)), Some((alias, None)), depth);
    }

    fn add_predicate(&mut self, predicate: Predicate<'tcx>, depth: usize) {
        match predicate.kind().skip_binder() {
            PredicateKind::Clause(ClauseKind::Trait(clause)) => {
                self.add(predicate.kind().rebind(clause.trait_ref), None, depth);
            }
            PredicateKind::Clause(ClauseKind::Projection(clause)) => {
                let alias = clause.projection_term;
                let of_trait = predicate.kind().rebind(alias.trait_ref(self.tcx));
                // Behind a `for<'a>` the trait is proved, and the type is not looked at.
                let defined = of_trait.no_bound_vars().map(|_| (alias, clause.term.as_type()));
                self.add(of_trait, defined, depth);
            }
            // Of lifetimes, or proved where it is written.
            _ => {}
        }
    }

    /// The type that the impl of `source` gives for `alias`, if it refers to no other. Those that
    /// it refers to have to be known, too.
    fn define(
        &mut self,
        alias: AliasTerm<'tcx>,
        source: &ImplSource<'tcx, PredicateObligation<'tcx>>,
        depth: usize,
    ) -> Option<Ty<'tcx>> {
        let tcx = self.tcx;
        let ImplSource::UserDefined(data) = source else { return None };
        let item = *tcx.impl_item_implementor_ids(data.impl_def_id).get(&alias.def_id)?;
        if !matches!(tcx.def_kind(item), DefKind::AssocTy) {
            return None;
        }
        let args = alias.args.rebase_onto(tcx, alias.trait_def_id(tcx), data.args);
        let ty = tcx.type_of(item).instantiate(tcx, args);
        ty.visit_with(&mut AddAliases { goals: self, depth: depth + 1 });
        (!ty.has_aliases()).then_some(ty)
    }
}

/// Adds the associated types in a type.
struct AddAliases<'a, 'tcx> {
    goals: &'a mut Goals<'tcx>,
    depth: usize,
}

impl<'tcx> TypeVisitor<TyCtxt<'tcx>> for AddAliases<'_, 'tcx> {
    fn visit_ty(&mut self, ty: Ty<'tcx>) {
        if let ty::Alias(alias) = *ty.kind()
            && let ty::Projection { .. } = alias.kind
            && !alias.has_escaping_bound_vars()
        {
            self.goals.add_alias(alias.into(), self.depth);
        }
        ty.super_visit_with(self);
    }
}
