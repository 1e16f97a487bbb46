//! Decides whether a body may be inlined as an instance.
//!
//! To make an instance of a body is to normalize all types in it, and to normalize a type may take
//! anything: to evaluate a constant, to prove a where clause, to reveal what an `impl Trait` is,
//! for which the types of a body have to be checked. Each of these may need the layout of the very
//! future that the body is inlined into, for instance as the length of an array. With the flag off
//! none of this is asked when that layout is made, except for what is part of it.
//!
//! ```ignore (pseudo-Rust)
//! async fn outer() { inner::<Device>().await }
//! async fn inner<T: Make>() { let boxed = Box::pin(T::make()); .. }   // is not awaited
//! impl Make for Device {
//!     async fn make() { let buffer = [0u8; size_of_future(outer)]; .. }
//! }
//! ```
//!
//! What an instance has to normalize are the types and constants in it that depend on others,
//! *aliases*: `<T as Make>::Output`. Among them are those that a struct or enum hides in its
//! fields, if the body builds it or uses a field of it. One is harmless
//!
//! * if it is part of the type of an upvar, or of something that is awaited, be it by what is
//!   awaited. These are part of the layout, and so are normalized with the flag off, too;
//! * or if all that it names is of other crates, which do not know of this one. So the drivers of a
//!   crate are inlined for the devices of another. What depends on a parameter of the caller stays
//!   as it is, as long as no bound of the caller says that it is a type of this crate, and no bound
//!   of a trait of this crate does.
//!
//! An instance with any other is not inlined.
//!
//! Nor is one whose types nest deep ([`certain_body::nest_deep`]). Each generic body proves a
//! little about its types, and relies on its where clauses for the rest. An instance in a chain of
//! inlined bodies has to prove it all, which may exceed the recursion limit, although nobody uses
//! that instance. (`tests/ui/async-await/certain-body/deep-types.rs`)
//!
//! This takes time in proportion to the types in the body, times how deep they may nest, and to the
//! types that it holds, up to [`SEARCH_LIMIT`].

use rustc_data_structures::fx::FxIndexSet;
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::{
    self, EarlyBinder, GenericArg, GenericArgKind, GenericArgsRef, Ty, TyCtxt, TypeSuperVisitable,
    TypeVisitable, TypeVisitableExt, TypeVisitor, TypingEnv,
};
use tracing::debug;

use super::SEARCH_LIMIT;
use crate::certain_body;

/// Whether `inner`, the body of a coroutine, may be inlined with `args`, or why not. `typing_env`
/// is that of the caller.
pub(super) fn check<'tcx>(
    tcx: TyCtxt<'tcx>,
    inner: &Body<'tcx>,
    args: GenericArgsRef<'tcx>,
    typing_env: TypingEnv<'tcx>,
) -> Result<(), &'static str> {
    if certain_body::has_errors_of_its_own(tcx, inner) {
        return Err("has a constant that may fail to be evaluated");
    }
    // The body may have inlined others, with arguments in terms of its own parameters.
    let inlined = inner.source_scopes.iter().filter_map(|scope| scope.inlined);
    let inlined =
        inlined.map(|(instance, _)| EarlyBinder::bind(instance.args).instantiate(tcx, args));
    if certain_body::nest_deep(tcx, inlined.chain([args])) {
        return Err("has types that nest too deep");
    }

    let mut needed = Aliases { tcx, found: FxIndexSet::default() };
    inner.visit_with(&mut needed);
    HiddenAliases { body: inner, aliases: &mut needed }.visit_body(inner);
    if needed.found.is_empty() {
        return Ok(());
    }

    // A bound as in `T: Make<Output = Local>` says what an alias is.
    let bounds_name_this_crate = typing_env.param_env.caller_bounds().iter().any(|clause| {
        clause.as_projection_clause().is_some_and(|clause| match clause.skip_binder().term.kind() {
            ty::TermKind::Ty(ty) => ty.has_aliases() || names_this_crate(ty.into()),
            ty::TermKind::Const(constant) => names_this_crate(constant.into()),
        })
    });
    // Whoever made the layout has normalized these.
    let mut held = Aliases { tcx, found: FxIndexSet::default() };
    for ty in types_held(tcx, inner.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty) {
        ty.visit_with(&mut held);
    }
    for alias in needed.found.difference(&held.found).copied() {
        // Behind a `for<'a>` nothing can be said of `<T as Trait<'a>>::Output` as it stands.
        if alias.has_escaping_bound_vars() {
            return Err("has an alias with a bound variable");
        }
        let alias = EarlyBinder::bind(alias).instantiate(tcx, args);
        if names_this_crate(alias) || alias.has_non_region_param() && bounds_name_this_crate {
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
        // Stopping early is safe: an alias that was not found counts as not held, and then nothing
        // is inlined.
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

/// Collects the types and constants that depend on others.
struct Aliases<'tcx> {
    tcx: TyCtxt<'tcx>,
    found: FxIndexSet<GenericArg<'tcx>>,
}

impl<'tcx> TypeVisitor<TyCtxt<'tcx>> for Aliases<'tcx> {
    fn visit_ty(&mut self, ty: Ty<'tcx>) {
        // Most types have none.
        if !ty.has_aliases() {
            return;
        }
        if let ty::Alias(..) = ty.kind() {
            self.found.insert(self.tcx.erase_and_anonymize_regions(ty).into());
        }
        ty.super_visit_with(self);
    }

    fn visit_const(&mut self, constant: ty::Const<'tcx>) {
        if let ty::ConstKind::Unevaluated(_) = constant.kind() {
            self.found.insert(self.tcx.erase_and_anonymize_regions(constant).into());
        }
        constant.super_visit_with(self);
    }
}

/// Collects the aliases in the declared types of fields that a body uses. The type that the body
/// has for them has been normalized as far as could be told in generic code.
struct HiddenAliases<'a, 'tcx> {
    body: &'a Body<'tcx>,
    aliases: &'a mut Aliases<'tcx>,
}

impl<'tcx> HiddenAliases<'_, 'tcx> {
    fn add_fields(&mut self, ty: Ty<'tcx>) {
        if let ty::Adt(adt, args) = *ty.kind() {
            for field in adt.all_fields() {
                field.ty(self.aliases.tcx, args).visit_with(self.aliases);
            }
        }
    }
}

impl<'tcx> Visitor<'tcx> for HiddenAliases<'_, 'tcx> {
    fn visit_rvalue(&mut self, rvalue: &Rvalue<'tcx>, location: Location) {
        // To build it takes values of the types of all its fields, as they are for the instance.
        if let Rvalue::Aggregate(kind, _) = rvalue
            && let AggregateKind::Adt(..) = **kind
        {
            self.add_fields(rvalue.ty(self.body, self.aliases.tcx));
        }
        self.super_rvalue(rvalue, location);
    }

    fn visit_projection_elem(
        &mut self,
        place: PlaceRef<'tcx>,
        element: PlaceElem<'tcx>,
        context: PlaceContext,
        location: Location,
    ) {
        if let PlaceElem::Field(..) = element {
            self.add_fields(place.ty(self.body, self.aliases.tcx).ty);
        }
        self.super_projection_elem(place, element, context, location);
    }
}

/// Whether anything that `alias` names is of this crate, or is a constant that is not evaluated
/// yet. A parameter of what it is inlined into stays one. So does what a trait has for it, unless
/// it is used in turn: then the bounds of the trait may say what it is.
fn names_this_crate<'tcx>(alias: GenericArg<'tcx>) -> bool {
    let is_of_this_crate = |part: GenericArg<'tcx>| match part.kind() {
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
            ty::Alias(of) => match of.kind {
                ty::Projection { def_id } => {
                    def_id.is_local()
                        && !(part == alias && matches!(of.self_ty().kind(), ty::Param(_)))
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
