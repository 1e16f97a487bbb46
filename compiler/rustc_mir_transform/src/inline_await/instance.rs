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
//! Later, where all layouts are known, passes ask how the types of an instance are laid out, and
//! whether they are `Copy`. That takes proofs for the aliases in fields of fields, and for the
//! where clauses of an impl of `Copy`. In a library that is done for instances that nobody uses,
//! and may exceed the recursion limit. So an instance is not inlined either whose types nest deep
//! ([`short_proofs::nest_deep`]), or for which such an alias or where clause has no [short
//! proof][short_proofs]. (`tests/ui/async-await/certain-body/deep-types.rs`, `deep-proofs.rs`)
//!
//! No proof is looked for yet that names something of this crate, unless it is about a part of the
//! layout. For that reason an instance that still has parameters is not inlined. One that has none
//! is asked about by code generation, too, if anybody uses it.
//!
//! This takes time in proportion to the types in the body and in their fields, times how deep they
//! may nest, and to the types that it holds, each up to [`SEARCH_LIMIT`].

use std::cell::OnceCell;
use std::iter;

use rustc_data_structures::fx::FxIndexSet;
use rustc_hir::LangItem;
use rustc_hir::def_id::DefId;
use rustc_infer::infer::{DefineOpaqueTypes, TyCtxtInferExt};
use rustc_infer::traits::ObligationCause;
use rustc_middle::mir::visit::{PlaceContext, Visitor};
use rustc_middle::mir::*;
use rustc_middle::ty::fast_reject::{TreatParams, simplify_type};
use rustc_middle::ty::{
    self, Clause, ClauseKind, EarlyBinder, GenericArg, GenericArgKind, GenericArgsRef,
    ImplPolarity, Ty, TyCtxt, TypeFoldable, TypeSuperVisitable, TypeVisitable, TypeVisitableExt,
    TypeVisitor, TypingEnv,
};
use rustc_span::DUMMY_SP;
use tracing::debug;

use super::{SEARCH_LIMIT, short_proofs};
use crate::certain_body;

/// Why an instance is not inlined whose types are large.
const NESTS_TOO_DEEP: &str = "has types that nest too deep";

/// Why an instance is not inlined for which anything might be asked.
const MAY_NEED_LAYOUT: &str = "has a type that could need the layout that is made";

/// Why an instance is not inlined of which a type is not known.
pub(super) const CANNOT_BE_NORMALIZED: &str = "cannot be normalized";

/// Why an instance is not inlined if it is not known how deep a proof would be.
const NEEDS_PROOF: &str = "has a type about which much has to be proved";

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
    if short_proofs::nest_deep(tcx, inlined.chain([args])) {
        return Err(NESTS_TOO_DEEP);
    }
    Checker::new(tcx, inner, args, typing_env, true).check()
}

/// Whether all that passes may ask about the types of `inner`, if it is inlined with `args`, has
/// short proofs. It may be any body, and is inlined where all layouts are known.
pub(crate) fn has_short_proofs<'tcx>(
    tcx: TyCtxt<'tcx>,
    inner: &Body<'tcx>,
    args: GenericArgsRef<'tcx>,
    typing_env: TypingEnv<'tcx>,
) -> bool {
    Checker::new(tcx, inner, args, typing_env, false).check().is_ok()
}

struct Checker<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    typing_env: TypingEnv<'tcx>,
    inner: &'a Body<'tcx>,
    args: GenericArgsRef<'tcx>,
    /// Whether the layout of the caller is still to be made.
    is_before_layout: bool,
    /// The aliases in what is held or awaited. Whoever made the layout has normalized these.
    held: OnceCell<FxIndexSet<GenericArg<'tcx>>>,
    /// The aliases that have been checked, and for which use.
    checked: FxIndexSet<(GenericArg<'tcx>, Use)>,
    /// The types of places in the body that a parameter is part of, and of what is in these. Of any
    /// other the same is asked for the generic body, with the flag off as well.
    types: FxIndexSet<Ty<'tcx>>,
}

/// When something has to be known of a type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    /// To make the instance
    Instance,
    /// To optimize what it has become part of, if that is wanted
    Optimization,
}

impl<'a, 'tcx> Checker<'a, 'tcx> {
    fn new(
        tcx: TyCtxt<'tcx>,
        inner: &'a Body<'tcx>,
        args: GenericArgsRef<'tcx>,
        typing_env: TypingEnv<'tcx>,
        is_before_layout: bool,
    ) -> Self {
        Checker {
            tcx,
            typing_env,
            inner,
            args,
            is_before_layout,
            held: OnceCell::new(),
            checked: FxIndexSet::default(),
            types: FxIndexSet::default(),
        }
    }

    fn check(mut self) -> Result<(), &'static str> {
        let mut aliases = Aliases { tcx: self.tcx, found: FxIndexSet::default() };
        self.inner.visit_with(&mut aliases);
        HiddenAliases { body: self.inner, aliases: &mut aliases }.visit_body(self.inner);
        for alias in aliases.found {
            // Behind a `for<'a>` nothing can be said of `<T as Trait<'a>>::Output` as it stands.
            if alias.has_escaping_bound_vars() {
                return Err("has an alias with a bound variable");
            }
            self.check_alias(self.instantiate(alias), Use::Instance)?;
        }

        let mut places = PlaceTypes { tcx: self.tcx, body: self.inner, types: vec![] };
        places.visit_body(self.inner);
        let types = places.types.into_iter().filter(|ty| ty.has_non_region_param());
        self.types.extend(types.map(|ty| self.instantiate(ty)).collect::<Vec<_>>());
        let mut index = 0;
        while let Some(&ty) = self.types.get_index(index) {
            if index == SEARCH_LIMIT {
                return Err(NEEDS_PROOF);
            }
            self.check_type(ty)?;
            index += 1;
        }
        Ok(())
    }

    fn instantiate<T: TypeFoldable<TyCtxt<'tcx>>>(&self, value: T) -> T {
        let value = EarlyBinder::bind(value).instantiate(self.tcx, self.args);
        self.tcx.erase_and_anonymize_regions(value)
    }

    /// Checks the aliases in a part of a type.
    fn check_aliases(
        &mut self,
        part: &impl TypeVisitable<TyCtxt<'tcx>>,
    ) -> Result<(), &'static str> {
        let mut aliases = Aliases { tcx: self.tcx, found: FxIndexSet::default() };
        part.visit_with(&mut aliases);
        let mut found = aliases.found.into_iter().filter(|alias| !alias.has_escaping_bound_vars());
        found.try_for_each(|alias| self.check_alias(alias, Use::Optimization))
    }

    /// Whether what names this crate need not be known, or why the instance is not inlined. It is
    /// not asked for before there is a layout.
    fn need_not_be_known(&self, asked_for: Use) -> Result<(), &'static str> {
        // Code generation asks the same about an instance without parameters, if it is used, with
        // the flag off as well.
        match asked_for {
            Use::Optimization if !self.args.has_non_region_param() => Ok(()),
            _ => Err(MAY_NEED_LAYOUT),
        }
    }

    /// Checks that `alias` may be normalized.
    fn check_alias(&mut self, alias: GenericArg<'tcx>, asked_for: Use) -> Result<(), &'static str> {
        if !self.checked.insert((alias, asked_for)) {
            return Ok(());
        }
        if self.is_before_layout
            && (names_this_crate(alias) || self.may_be_of_this_crate(alias))
            && !self.is_held(alias)
        {
            debug!(?alias, "may be normalized to anything");
            return self.need_not_be_known(asked_for);
        }
        let Some(ty) = alias.as_type() else { return Ok(()) };
        if let ty::Alias(projection) = *ty.kind()
            && let ty::Projection { .. } = projection.kind
            && !short_proofs::exist(self.tcx, self.typing_env, [], [projection.into()])
        {
            debug!(?alias, "takes a long proof");
            return Err(NEEDS_PROOF);
        }
        let normalized = self.tcx.try_normalize_erasing_regions(self.typing_env, ty);
        let normalized = normalized.map_err(|_| CANNOT_BE_NORMALIZED)?;
        if !matches!(normalized.kind(), ty::Alias(..)) {
            self.types.insert(normalized);
        }
        Ok(())
    }

    /// Whether a bound of the caller, as in `T: Make<Output = Local>`, may say that a type of this
    /// crate is part of what `part` becomes.
    fn may_be_of_this_crate(&self, part: impl TypeVisitable<TyCtxt<'tcx>>) -> bool {
        let names_this_crate = |clause: Clause<'tcx>| {
            clause.as_projection_clause().is_some_and(|clause| {
                match clause.skip_binder().term.kind() {
                    ty::TermKind::Ty(ty) => ty.has_aliases() || names_this_crate(ty.into()),
                    ty::TermKind::Const(constant) => names_this_crate(constant.into()),
                }
            })
        };
        part.has_non_region_param()
            && self.typing_env.param_env.caller_bounds().iter().any(names_this_crate)
    }

    fn is_held(&self, alias: GenericArg<'tcx>) -> bool {
        let held = self.held.get_or_init(|| {
            let mut held = Aliases { tcx: self.tcx, found: FxIndexSet::default() };
            let coroutine = self.inner.local_decls[ty::CAPTURE_STRUCT_LOCAL].ty;
            let types = types_held(self.tcx, coroutine).into_iter().map(|ty| self.instantiate(ty));
            let mut types: FxIndexSet<_> = types.collect();
            let mut index = 0;
            // Of what is behind a pointer not even all is asked that says whether the pointer is
            // thin. Stopping early is safe, as for the types.
            while let Some(&ty) = types.get_index(index)
                && index < SEARCH_LIMIT
                && !short_proofs::is_deep_or_large(self.tcx, ty.into())
            {
                ty.visit_with(&mut held);
                types.extend(parts(self.tcx, ty));
                index += 1;
            }
            held.found
        });
        held.contains(&alias)
    }

    /// Checks what has to be known of `ty` to lay it out, and to say whether it is `Copy`.
    fn check_type(&mut self, ty: Ty<'tcx>) -> Result<(), &'static str> {
        if short_proofs::is_deep_or_large(self.tcx, ty.into()) {
            return Err(NESTS_TOO_DEEP);
        }
        for part in parts(self.tcx, ty) {
            self.check_aliases(&part)?;
            self.types.insert(part);
        }
        for tail in tails(self.tcx, ty) {
            self.check_aliases(&tail)?;
        }
        if ty.is_adt() { self.check_copy(ty) } else { Ok(()) }
    }

    /// Checks the where clauses that `ty` has to fulfill to be `Copy`.
    fn check_copy(&mut self, ty: Ty<'tcx>) -> Result<(), &'static str> {
        let tcx = self.tcx;
        let (Some(copy), Some(simplified)) = (
            tcx.lang_items().copy_trait(),
            simplify_type(tcx, ty, TreatParams::InstantiateWithInfer),
        ) else {
            return Err(NEEDS_PROOF);
        };
        let impls = tcx.trait_impls_of(copy).non_blanket_impls().get(&simplified);
        for &of_impl in impls.into_iter().flatten() {
            if tcx.impl_polarity(of_impl) == ImplPolarity::Positive {
                for clause in self.where_clauses(of_impl, ty) {
                    self.check_where_clause(clause)?;
                }
            }
        }
        Ok(())
    }

    /// The where clauses of an impl for `ty`, if it is for that type.
    fn where_clauses(&self, of_impl: DefId, ty: Ty<'tcx>) -> Vec<Clause<'tcx>> {
        let tcx = self.tcx;
        let builder = tcx.infer_ctxt().ignoring_regions();
        let (infcx, param_env) = builder.build_with_typing_env(self.typing_env);
        let args = infcx.fresh_args_for_item(DUMMY_SP, of_impl);
        let self_ty = tcx.impl_trait_ref(of_impl).instantiate(tcx, args).self_ty();
        let cause = ObligationCause::dummy();
        if infcx.at(&cause, param_env).eq(DefineOpaqueTypes::No, self_ty, ty).is_err() {
            return vec![];
        }
        let clauses = tcx.predicates_of(of_impl).instantiate(tcx, args).predicates;
        infcx.resolve_vars_if_possible(clauses)
    }

    fn check_where_clause(&mut self, clause: Clause<'tcx>) -> Result<(), &'static str> {
        let tcx = self.tcx;
        let of_trait = match clause.kind().no_bound_vars() {
            Some(ClauseKind::Trait(of_trait)) => of_trait.trait_ref,
            Some(ClauseKind::RegionOutlives(_) | ClauseKind::TypeOutlives(_)) => return Ok(()),
            _ => return Err(NEEDS_PROOF),
        };
        if of_trait.has_infer() {
            return Err(NEEDS_PROOF);
        }
        // These follow from the parts of a type.
        let by_parts =
            [LangItem::Copy, LangItem::Sized, LangItem::MetaSized, LangItem::PointeeSized];
        if by_parts.into_iter().any(|item| tcx.is_lang_item(of_trait.def_id, item)) {
            self.types.insert(tcx.erase_and_anonymize_regions(of_trait.self_ty()));
            return Ok(());
        }
        // That a parameter implements a trait is a bound of the caller.
        let is_bound = matches!(of_trait.self_ty().kind(), ty::Param(_));
        if self.is_before_layout
            && (of_trait.def_id.is_local() && !is_bound
                || of_trait.args.iter().any(names_this_crate)
                || self.may_be_of_this_crate(of_trait))
        {
            debug!(?of_trait, "may take anything to be proved");
            return self.need_not_be_known(Use::Optimization);
        }
        self.check_aliases(&of_trait)?;
        let normalized = tcx.try_normalize_erasing_regions(self.typing_env, of_trait);
        let of_trait = normalized.map_err(|_| CANNOT_BE_NORMALIZED)?;
        if !short_proofs::exist(tcx, self.typing_env, [of_trait], []) {
            return Err(NEEDS_PROOF);
        }
        Ok(())
    }
}

/// The types of what a value of type `ty` has in it. All of these are laid out with it.
fn parts<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> Vec<Ty<'tcx>> {
    let parts = match *ty.kind() {
        ty::Adt(adt, args) => adt.all_fields().map(|field| field.ty(tcx, args)).collect(),
        ty::Tuple(elements) => elements.to_vec(),
        ty::Array(element, _) | ty::Slice(element) => vec![element],
        ty::Closure(_, args) => args.as_closure().upvar_tys().to_vec(),
        ty::CoroutineClosure(_, args) => args.as_coroutine_closure().upvar_tys().to_vec(),
        // A coroutine is laid out for the caller as well, and no other type has parts by value.
        _ => vec![],
    };
    tcx.erase_and_anonymize_regions(parts)
}

/// The type of the last field of what `ty` points to, and of that field in turn, if `ty` is a
/// pointer. They say whether it is thin.
fn tails<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> impl Iterator<Item = Ty<'tcx>> {
    let last_field = move |ty: Ty<'tcx>| match *ty.kind() {
        ty::Adt(adt, args) if adt.is_struct() => {
            adt.non_enum_variant().tail_opt().map(|field| field.ty(tcx, args))
        }
        _ => None,
    };
    let first = ty.builtin_deref(true).and_then(last_field);
    let tails = iter::successors(first, move |&last| last_field(last));
    // A struct that contains itself is an error, and has no end.
    tails.take(tcx.recursion_limit().0)
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
/// has for them has been normalized as far as could be told in generic code. They are compared when
/// the instance is made.
struct HiddenAliases<'a, 'tcx> {
    body: &'a Body<'tcx>,
    aliases: &'a mut Aliases<'tcx>,
}

impl<'tcx> HiddenAliases<'_, 'tcx> {
    fn add_fields(&mut self, ty: Ty<'tcx>) {
        if ty.is_adt() {
            parts(self.aliases.tcx, ty).visit_with(self.aliases);
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

/// Collects the types of all places in a body, of which a layout may be asked. What is behind a
/// pointer is no part of the type of a local.
struct PlaceTypes<'a, 'tcx> {
    tcx: TyCtxt<'tcx>,
    body: &'a Body<'tcx>,
    types: Vec<Ty<'tcx>>,
}

impl<'tcx> Visitor<'tcx> for PlaceTypes<'_, 'tcx> {
    fn visit_local_decl(&mut self, _: Local, declared: &LocalDecl<'tcx>) {
        self.types.push(declared.ty);
    }

    fn visit_projection_elem(
        &mut self,
        place: PlaceRef<'tcx>,
        element: PlaceElem<'tcx>,
        _: PlaceContext,
        _: Location,
    ) {
        let base = place.ty(self.body, self.tcx);
        self.types.push(base.projection_ty(self.tcx, element).ty);
    }
}

/// Whether anything that `alias` names is of this crate, or is a constant that may not be evaluated
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
        GenericArgKind::Const(constant) => match constant.kind() {
            // That of another crate, if it has no arguments, was evaluated there.
            ty::ConstKind::Unevaluated(of) => {
                of.def.is_local() || of.args.non_erasable_generics().next().is_some()
            }
            _ => false,
        },
        GenericArgKind::Lifetime(_) => false,
    };
    alias.walk().any(is_of_this_crate)
}
