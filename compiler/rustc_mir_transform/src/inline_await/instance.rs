//! Whether a body may be taken in as an instance.
//!
//! To make an instance of a body is to normalize all types in it, and to normalize a type may take
//! anything: to evaluate a constant, to prove a where clause, to reveal what an `impl Trait` is,
//! for which the types of a body have to be checked. Each of these may need the layout of the very
//! future that the body is taken into, as the length of an array for one. With the flag off none of
//! this is asked when that layout is made, except for what is part of it.
//!
//! ```ignore (pseudo-Rust)
//! async fn outer() { inner::<Device>().await }
//! async fn inner<T: Make>() { let boxed = Box::pin(T::make()); .. }   // is not awaited
//! impl Make for Device {
//!     async fn make() { let buffer = [0u8; size_of_future(outer)]; .. }
//! }
//! ```
//!
//! What an instance has to normalize are the types in it that depend on others, *aliases*:
//! `<T as Make>::Output`. One is harmless
//!
//! * if it is part of the type of an upvar, or of something that is awaited, be it by what is
//!   awaited. These are part of the layout, and so are normalized with the flag off, too;
//! * or if all that it names is of other crates, which do not know of this one. So the drivers of a
//!   crate are taken in for the devices of another.
//!
//! An instance with any other is not taken in. This takes time in proportion to the types in it.

use rustc_data_structures::fx::FxIndexSet;
use rustc_middle::mir::Body;
use rustc_middle::ty::{
    self, EarlyBinder, GenericArg, GenericArgKind, GenericArgsRef, Ty, TyCtxt, TypeSuperVisitable,
    TypeVisitable, TypeVisitableExt, TypeVisitor, TypingEnv,
};
use tracing::debug;

use super::SEARCH_LIMIT;
use crate::certain_body;

/// Whether `inner`, the body of a coroutine, may be taken into another one as what it is for
/// `args`, or why not.
pub(super) fn check<'tcx>(
    tcx: TyCtxt<'tcx>,
    inner: &Body<'tcx>,
    args: GenericArgsRef<'tcx>,
) -> Result<(), &'static str> {
    if certain_body::has_errors_of_its_own(tcx, inner) {
        return Err("has a constant that may fail to be evaluated");
    }

    let mut needed = Aliases { tcx, found: FxIndexSet::default() };
    inner.visit_with(&mut needed);
    if needed.found.is_empty() {
        return Ok(());
    }

    let mut held = Aliases { tcx, found: FxIndexSet::default() };
    for ty in types_held(tcx, inner.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty) {
        ty.visit_with(&mut held);
    }
    for alias in needed.found.difference(&held.found).copied() {
        if alias.has_escaping_bound_vars() {
            return Err("has a type that is bound");
        }
        if names_this_crate(EarlyBinder::bind(alias).instantiate(tcx, args)) {
            debug!(?alias, "may be normalized to anything");
            return Err("has a type that could need the layout that is made");
        }
    }
    Ok(())
}

/// The types of the upvars of a coroutine, and what it awaits, and these in turn.
fn types_held<'tcx>(tcx: TyCtxt<'tcx>, coroutine: Ty<'tcx>) -> FxIndexSet<Ty<'tcx>> {
    let mut held = FxIndexSet::default();
    let mut waiting = vec![coroutine];
    while let Some(ty) = waiting.pop() {
        if held.len() == SEARCH_LIMIT || !held.insert(ty) {
            continue;
        }
        if let ty::Coroutine(def_id, args) = *ty.kind() {
            waiting.extend(args.as_coroutine().upvar_tys());
            // As they are in the body that awaits them, where opaque types are revealed.
            let typing_env = TypingEnv::post_analysis(tcx, def_id);
            let awaited = tcx.types_awaited(def_id).into_iter().flatten();
            waiting.extend(
                awaited
                    .filter_map(|&ty| tcx.try_normalize_erasing_regions(typing_env, ty).ok())
                    .map(|ty| EarlyBinder::bind(ty).instantiate(tcx, args)),
            );
        }
    }
    held
}

/// Collects the types that depend on others.
struct Aliases<'tcx> {
    tcx: TyCtxt<'tcx>,
    found: FxIndexSet<Ty<'tcx>>,
}

impl<'tcx> TypeVisitor<TyCtxt<'tcx>> for Aliases<'tcx> {
    fn visit_ty(&mut self, ty: Ty<'tcx>) {
        if !ty.has_aliases() {
            return;
        }
        if let ty::Alias(..) = ty.kind() {
            self.found.insert(self.tcx.erase_and_anonymize_regions(ty));
        }
        ty.super_visit_with(self);
    }
}

/// Whether anything that `alias` names is of this crate, or is a constant that is not evaluated
/// yet. A parameter of what it is taken into stays one, and so does what depends on it: nothing is
/// found out about these.
fn names_this_crate(alias: Ty<'_>) -> bool {
    let is_of_this_crate = |part: GenericArg<'_>| match part.kind() {
        GenericArgKind::Type(ty) => match *ty.kind() {
            ty::Adt(adt, _) => adt.did().is_local(),
            ty::Closure(def_id, _)
            | ty::Coroutine(def_id, _)
            | ty::CoroutineClosure(def_id, _)
            | ty::CoroutineWitness(def_id, _)
            | ty::FnDef(def_id, _)
            | ty::Foreign(def_id) => def_id.is_local(),
            ty::Dynamic(predicates, _) => {
                predicates.iter().any(|predicate| match predicate.skip_binder() {
                    ty::ExistentialPredicate::Trait(of_trait) => of_trait.def_id.is_local(),
                    ty::ExistentialPredicate::Projection(projection) => {
                        projection.def_id.is_local()
                    }
                    ty::ExistentialPredicate::AutoTrait(def_id) => def_id.is_local(),
                })
            }
            ty::Alias(alias) => match alias.kind {
                ty::Projection { def_id } => {
                    def_id.is_local() && !matches!(alias.self_ty().kind(), ty::Param(_))
                }
                kind => kind.def_id().is_local(),
            },
            _ => false,
        },
        GenericArgKind::Const(constant) => {
            matches!(constant.kind(), ty::ConstKind::Unevaluated(_))
        }
        GenericArgKind::Lifetime(_) => false,
    };
    alias.walk().any(is_of_this_crate)
}
