//! Finds the body that is certain to run when an item is used, or says why there is none.
//!
//! # Motivation
//!
//! Our passes draw conclusions from the bodies of other items: that a `poll` is never pending, that
//! a function only constructs a coroutine, what a coroutine does when it is awaited. Such a
//! conclusion holds only if the body that was judged is the body that runs. That is less often true
//! than it seems, and is easily forgotten. So all passes get the bodies of other items here.
//!
//! # The rules
//!
//! 1. *What is judged is what runs.* A body stands for an item only if nothing else can run in its
//!    place:
//!    * a method of a trait is that of the only impl for a type like the one it is called for. So
//!      the default of a trait stands only for an impl that does not override it. What is called
//!      through a vtable, a function pointer or a shim has no body, nor has what may be
//!      specialized;
//!    * no other crate can add an impl. In generic code an instance may be of types of a crate that
//!      is not known yet. Such a crate may add an impl if one of the trait's arguments is generic
//!      as a whole, as `X` and `Box<X>` are, but `Vec<X>` is not: the orphan rule
//!      ([`may_be_implemented_elsewhere`], `tests/ui/async-await/certain-body/later-impls.rs`);
//!    * the linker may replace a symbol that is named by hand (`#[no_mangle]`, `#[export_name]`) or
//!      linked in a special way (`weak`, `linkonce`, `common`, an externally implementable item),
//!      so such an item has no body;
//!    * an item whose attributes say that something else runs has none: a naked function, an
//!      intrinsic, an item of a foreign block;
//!    * a required method has none, nor has any other item that is not written out.
//! 2. *A program that compiles with the flag off compiles with it on.* While the body of a
//!    coroutine is computed, something may be waiting for its layout: the length of an array, the
//!    type of a static, the check of a transmute. So nothing may be asked that could need this
//!    layout, unless it is asked with the flag off as well. To check the types of a body is such a
//!    thing, since these may be as large as any future. So is to evaluate a constant, to prove a
//!    where clause, or to compare a method with its declaration. Hence:
//!    * a function of this crate is judged by its HIR only ([`CertainBody::Local`]), for which no
//!      type is checked;
//!    * the MIR of a function of another crate exists ([`CertainBody::Foreign`]);
//!    * the MIR of a coroutine of this crate is asked for only where it is awaited by value, or
//!      held as an upvar. Then the coroutine is a part of what awaits or holds it, and whoever lays
//!      that out needs this MIR with the flag off as well;
//!    * an impl is found by its header as it is written. No impl is selected: the program is known
//!      to be well-formed, so there is no need to prove that the only impl applies;
//!    * whether a type is `Freeze` is decided by its outermost layer ([`is_freeze`]), and whether
//!      one of an instance needs drop without asking what is `Copy` ([`may_need_drop`]). Of the
//!      types of a generic body that is asked with the flag off, too.
//! 3. *The same errors are reported.* What is not called any more has no constant whose evaluation
//!    may fail. Instances are not made if what has to be known of them takes [long
//!    proofs][short_proofs]: such a proof may exceed the recursion limit.
//!
//! (`tests/ui/async-await/certain-body`)
//!
//! To find a body takes a look at the header of each impl that may fit. To tell whether a type may
//! need drop takes a look at each type in it, and at no more than [`COMPONENTS_LIMIT`].
//!
//! [`short_proofs`]: crate::inline_await::short_proofs

use rustc_data_structures::fx::FxHashSet;
use rustc_hir as hir;
use rustc_hir::LangItem;
use rustc_hir::def::DefKind;
use rustc_hir::def_id::{DefId, LocalDefId};
use rustc_middle::middle::codegen_fn_attrs::CodegenFnAttrFlags;
use rustc_middle::mir::{Body, Const, UnevaluatedConst};
use rustc_middle::ty::fast_reject::{TreatParams, simplify_type};
use rustc_middle::ty::util::needs_drop_components;
use rustc_middle::ty::{self, GenericArgsRef, ImplPolarity, Ty, TyCtxt, TypingEnv};
use rustc_span::sym;
use tracing::debug;

/// The body of a function, in the form in which it may be asked for while a layout is made.
pub(crate) enum CertainBody<'tcx> {
    /// A function of this crate, as it is written.
    Local(&'tcx hir::Body<'tcx>),
    /// A function of another crate, optimized.
    Foreign(&'tcx Body<'tcx>),
}

/// The body that certainly runs when `def_id` is called with `args`, or why there is none.
pub(crate) fn of_call<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Result<CertainBody<'tcx>, &'static str> {
    let def_id = match candidates(tcx, def_id, args).as_deref() {
        Some(&[only]) => only?,
        Some([_, ..]) => return Err("is a method of which there may be several"),
        None | Some([]) => {
            return Err("is of a type that is not known yet, or by the compiler itself");
        }
    };
    // The compiler makes up what a constructor does.
    if !matches!(tcx.def_kind(def_id), DefKind::Fn | DefKind::AssocFn) {
        return Err("is no function that is written out");
    }
    check_runs(tcx, def_id)?;
    match def_id.as_local() {
        Some(local) => {
            let body = tcx.hir_maybe_body_owned_by(local).ok_or("is required, and has no body")?;
            Ok(CertainBody::Local(body))
        }
        None if tcx.is_mir_available(def_id) => Ok(CertainBody::Foreign(tcx.optimized_mir(def_id))),
        None => Err("is of another crate, which has not recorded its body"),
    }
}

/// Whether what is called by `def_id` with `args` may see where in the source it is called. `None`
/// if it is not known what that is.
pub(crate) fn may_be_told_its_caller<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Option<bool> {
    let is_told = |def_id: DefId| {
        tcx.body_codegen_attrs(def_id).flags.contains(CodegenFnAttrFlags::TRACK_CALLER)
            || tcx.intrinsic(def_id).is_some_and(|it| it.name == sym::caller_location)
    };
    // The poll of a coroutine is by no impl, and has the attributes of what it is written as.
    if tcx.lang_items().future_poll_fn() == Some(def_id)
        && let ty::Coroutine(coroutine, _) = *args.type_at(0).kind()
    {
        let attributes = tcx.codegen_fn_attrs(coroutine);
        return Some(attributes.flags.contains(CodegenFnAttrFlags::TRACK_CALLER));
    }
    let found = candidates(tcx, def_id, args).filter(|found| !found.is_empty())?;
    Some(found.into_iter().any(|candidate| candidate.map_or(true, is_told)))
}

/// The items of which one is called by `def_id` with `args`, as far as the headers of impls tell,
/// each with a reason if it may be another one after all. `None` if none of them is an item.
///
/// To resolve the instance would prove the where clauses of an impl, and compare its method with
/// that of the trait. Either may need the layout of a future.
fn candidates<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Option<Vec<Result<DefId, &'static str>>> {
    // A function, or an inherent method: there is only one.
    let Some(of_trait) = tcx.trait_of_assoc(def_id) else { return Some(vec![Ok(def_id)]) };
    let of_the_trait = args.truncate_to(tcx, tcx.generics_of(of_trait));
    if of_the_trait.types().any(|ty| may_be_implemented_elsewhere(tcx, ty)) {
        return None;
    }
    let self_ty = args.type_at(0);
    // It is implemented by a vtable as well.
    if let ty::Dynamic(..) = self_ty.kind() {
        return None;
    }
    let simplified = simplify_type(tcx, self_ty, TreatParams::InstantiateWithInfer)?;
    // All impls whose header may fit. That they are several does not mean that several apply, but
    // to tell them apart would take a proof.
    let impls = tcx.trait_impls_of(of_trait);
    let for_type = impls.non_blanket_impls().get(&simplified).into_iter().flatten();
    let item = |of_impl: DefId| {
        let item = tcx.impl_item_implementor_ids(of_impl).get(&def_id).copied();
        match item {
            _ if tcx.impl_polarity(of_impl) != ImplPolarity::Positive => {
                Err("is of a trait that is not implemented")
            }
            Some(item) if tcx.defaultness(item).is_default() => Err("may be specialized"),
            Some(item) => Ok(item),
            // The impl has what the trait itself says, if that says anything: see `of_call`.
            None => Ok(def_id),
        }
    };
    Some(impls.blanket_impls().iter().chain(for_type).copied().map(item).collect())
}

/// Whether an instance of `ty`, an argument of a trait, may have the trait implemented by a crate
/// that is not known here. By the orphan rule such an impl needs an argument that is a type of its
/// own crate, or a reference to one, or a `Box` or another fundamental type of one.
fn may_be_implemented_elsewhere<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> bool {
    match *ty.kind() {
        ty::Ref(_, referent, _) => may_be_implemented_elsewhere(tcx, referent),
        ty::Adt(adt, args) if adt.is_fundamental() => {
            args.types().any(|ty| may_be_implemented_elsewhere(tcx, ty))
        }
        ty::Adt(..)
        | ty::Bool
        | ty::Char
        | ty::Int(_)
        | ty::Uint(_)
        | ty::Float(_)
        | ty::Str
        | ty::Never
        | ty::Array(..)
        | ty::Slice(_)
        | ty::Tuple(_)
        | ty::RawPtr(..)
        | ty::FnDef(..)
        | ty::FnPtr(..)
        | ty::Foreign(_)
        | ty::Dynamic(..)
        | ty::Closure(..)
        | ty::Coroutine(..)
        | ty::CoroutineClosure(..)
        | ty::CoroutineWitness(..) => false,
        // What an alias or a parameter may be.
        _ => true,
    }
}

/// The item whose MIR is certainly what is polled of a coroutine, that of an async fn, block or
/// closure, or why there is none.
pub(crate) fn of_coroutine<'tcx>(
    tcx: TyCtxt<'tcx>,
    def_id: DefId,
    args: GenericArgsRef<'tcx>,
) -> Result<DefId, &'static str> {
    if !is_async(tcx, def_id) {
        return Err("is no async fn, block or closure");
    }
    check_runs(tcx, def_id)?;
    // An async closure has a body for a call that consumes it, beside the one for all others.
    Ok(tcx.coroutine_body_def_id(def_id, args))
}

/// Whether `def_id` is the coroutine of an async fn, block or closure as it is written.
pub(crate) fn is_async(tcx: TyCtxt<'_>, def_id: DefId) -> bool {
    tcx.coroutine_is_async(def_id)
        && !tcx.is_async_drop_in_place_coroutine(def_id)
        && matches!(tcx.def_kind(def_id), DefKind::Closure | DefKind::SyntheticCoroutineBody)
}

/// Calls `read` with the MIR of `def_id`, a coroutine of this crate, as its witness is taken from:
/// drops are not elaborated, and other bodies are not asked for to make it. `None` if it has
/// errors.
pub(crate) fn read_promoted<'tcx, T>(
    tcx: TyCtxt<'tcx>,
    def_id: LocalDefId,
    read: impl FnOnce(&Body<'tcx>) -> Option<T>,
) -> Option<T> {
    let (body, _) = tcx.mir_promoted(def_id);
    let body = &*body.borrow();
    if body.tainted_by_errors.is_some() { None } else { read(body) }
}

/// Whether a constant of `body` may fail to be evaluated when the body is used. The error names the
/// instance, and there is none for an instance that is never used. Both would be lost if the body
/// became part of another. A constant item without parameters is evaluated where it is defined, and
/// does not count.
pub(crate) fn has_errors_of_its_own(tcx: TyCtxt<'_>, body: &Body<'_>) -> bool {
    body.required_consts().iter().any(|constant| match constant.const_ {
        Const::Unevaluated(UnevaluatedConst { def, .. }, _) => {
            !matches!(tcx.def_kind(def), DefKind::Const { .. }) || !tcx.generics_of(def).is_empty()
        }
        // A parameter is given a value where it is known.
        Const::Ty(_, constant) => !matches!(constant.kind(), ty::ConstKind::Param(_)),
        Const::Val(..) => false,
    })
}

/// Whether the function of another crate has such a constant, as far as its body is recorded.
pub(crate) fn callee_has_errors(tcx: TyCtxt<'_>, def_id: DefId) -> bool {
    tcx.is_mir_available(def_id) && has_errors_of_its_own(tcx, tcx.optimized_mir(def_id))
}

/// Whether it is known that a value of type `ty` has no interior mutability, for a local of `body`.
///
/// `Ty::is_freeze` looks into a coroutine by its witness, which lists all that it ever holds, at
/// any depth. That is more than its layout needs. So in the body of a coroutine only the outermost
/// layer of a type is looked at.
pub(crate) fn is_freeze<'tcx>(
    tcx: TyCtxt<'tcx>,
    typing_env: TypingEnv<'tcx>,
    body: &Body<'tcx>,
    ty: Ty<'tcx>,
) -> bool {
    if body.coroutine.is_some() && tcx.sess.opts.unstable_opts.async_returned_panic.is_no() {
        ty.is_trivially_freeze()
    } else {
        ty.is_freeze(tcx, typing_env)
    }
}

/// How many types are looked at for one answer of [`is_freeze_by_fields`] or [`may_need_drop`].
const COMPONENTS_LIMIT: usize = 1000;

/// Whether a value of type `ty` certainly has no interior mutability, as far as the types of fields
/// tell. That looks into more types than [`is_freeze`] may in the body of a coroutine, and asks for
/// as little: a coroutine, a parameter or an alias may have some.
pub(crate) fn is_freeze_by_fields<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> bool {
    let mut seen = FxHashSet::default();
    let mut waiting = vec![ty];
    while let Some(ty) = waiting.pop() {
        if ty.is_trivially_freeze() || !seen.insert(ty) {
            continue;
        }
        match *ty.kind() {
            _ if seen.len() > COMPONENTS_LIMIT => return false,
            ty::Adt(adt, _) if adt.is_unsafe_cell() => return false,
            ty::Adt(adt, args) => waiting.extend(adt.all_fields().map(|field| field.ty(tcx, args))),
            ty::Tuple(fields) => waiting.extend(fields),
            ty::Array(element, _) | ty::Slice(element) => waiting.push(element),
            _ => return false,
        }
    }
    true
}

/// Whether a value of type `ty` may have something to drop, as far as the types of fields and the
/// headers of impls tell.
///
/// `Ty::needs_drop` would also ask whether types are `Copy`, which may take proofs. Those for an
/// instance are not asked for with the flag off.
pub(crate) fn may_need_drop<'tcx>(tcx: TyCtxt<'tcx>, ty: Ty<'tcx>) -> bool {
    let has_drop_impl = |ty: Ty<'tcx>| {
        let (Some(drop), Some(simplified)) = (
            tcx.lang_items().drop_trait(),
            simplify_type(tcx, ty, TreatParams::InstantiateWithInfer),
        ) else {
            return true;
        };
        tcx.trait_impls_of(drop).non_blanket_impls().contains_key(&simplified)
    };
    let mut seen = FxHashSet::default();
    let mut waiting = vec![ty];
    while let Some(ty) = waiting.pop() {
        let Ok(components) = needs_drop_components(tcx, ty) else { return true };
        for component in components {
            if !seen.insert(component) {
                continue;
            }
            match *component.kind() {
                // Over the limit the answer has to be the safe one.
                _ if seen.len() > COMPONENTS_LIMIT || has_drop_impl(component) => return true,
                // What is in these is never dropped.
                ty::Adt(adt, _) if adt.is_manually_drop() || adt.is_union() => {}
                ty::Adt(adt, args) => {
                    waiting.extend(adt.all_fields().map(|field| field.ty(tcx, args)));
                }
                ty::Closure(_, args) => waiting.extend(args.as_closure().upvar_tys()),
                // A coroutine, a parameter or an alias: nothing more can be told.
                _ => return true,
            }
        }
    }
    false
}

/// Whether a predicate may be proved for the sake of `body`, which is to be inlined into `caller`
/// or is the same. To prove that a type can be coerced to a trait object may need the layout of a
/// coroutine that is made; and whether the body holds together was checked where it is written. So
/// nothing is proved for what is part of a coroutine, but was not written there.
pub(crate) fn may_prove_for<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    caller: &Body<'tcx>,
) -> bool {
    let is_as_written = || body.source_scopes.iter().all(|scope| scope.inlined.is_none());
    !tcx.sess.opts.unstable_opts.async_returned_panic.is_no()
        || caller.coroutine.is_none()
        || std::ptr::eq(body, caller) && is_as_written()
}

/// Whether nothing but the body of `def_id` can run where it is called.
fn check_runs(tcx: TyCtxt<'_>, def_id: DefId) -> Result<(), &'static str> {
    if tcx.is_foreign_item(def_id) {
        return Err("is of a foreign block");
    }
    let made_by_compiler = [LangItem::DropInPlace, LangItem::AsyncDropInPlace];
    if tcx.intrinsic(def_id).is_some()
        || made_by_compiler.into_iter().any(|item| tcx.is_lang_item(def_id, item))
    {
        return Err("is an intrinsic");
    }
    let attributes = tcx.codegen_fn_attrs(def_id);
    let reason = if attributes.flags.contains(CodegenFnAttrFlags::NAKED) {
        "is naked"
    } else if attributes.contains_extern_indicator() || attributes.linkage.is_some() {
        "may be replaced by the linker"
    } else if def_id.is_local() && tcx.sess.instrument_coverage() {
        "has its runs counted"
    } else {
        return Ok(());
    };
    debug!(?def_id, reason);
    Err(reason)
}
