//! Writes what is in each coroutine that gets code, for `-Zdump-coroutines`.
//!
//! For each coroutine whose body is code of this compilation, by instance: how it is laid out,
//! what it saves in which state, where each saved value comes from, which state may follow which,
//! and what became of its awaits. `-Zprint-type-sizes` has the sizes of all types that are laid
//! out, also of those that only type checking asks for, and no spans.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustc_abi::{Size, VariantIdx, Variants};
use rustc_data_structures::fx::{FxIndexMap, FxIndexSet};
use rustc_hir::def_id::{DefId, LOCAL_CRATE};
use rustc_middle::mir::traversal::Preorder;
use rustc_middle::mir::{
    AwaitFate, Body, NotedAwait, SourceScopeData, StatementKind, TerminatorKind,
};
use rustc_middle::mono::{CodegenUnit, MonoItem};
use rustc_middle::ty::layout::{HasTyCtxt, LayoutCx, TyAndLayout};
use rustc_middle::ty::print::{with_no_trimmed_paths, with_resolve_crate_name};
use rustc_middle::ty::{
    self, CoroutineArgsExt, EarlyBinder, Instance, InstanceKind, Ty, TyCtxt, TypingEnv,
};
use rustc_span::{FileName, RemapPathScopeComponents, Span, Symbol};
use serde::Serialize;

/// All that is known of a coroutine.
#[derive(Serialize)]
struct Coroutine {
    /// Its type, which names it with its generic arguments.
    name: String,
    /// The item that is its body, without generic arguments.
    path: String,
    /// The crate with that item.
    defined_in: String,
    /// What was written: an async fn, an async block, a gen block, and so on.
    kind: String,
    /// The symbol of the function that resumes it.
    symbol: String,
    source: Option<Source>,
    size: u64,
    align: u64,
    /// The bytes that hold the number of the state, if there are states.
    tag: Option<Bytes>,
    /// What it has captured; for an async fn these are its arguments.
    upvars: Vec<Value>,
    /// What it saves over suspension points.
    saved: Vec<Value>,
    /// The states by number: first the one in which it has not been resumed, then those of one that
    /// has returned and of one that has panicked, then a state for each suspension point. Without
    /// suspension points the later ones may be missing.
    states: Vec<State>,
    awaits: Vec<Await>,
}

/// A part of a coroutine.
#[derive(Serialize)]
struct Bytes {
    offset: u64,
    size: u64,
}

/// A value that a coroutine holds.
#[derive(Serialize)]
struct Value {
    /// The variable, if there is one.
    name: Option<String>,
    #[serde(rename = "type")]
    ty: String,
    /// The coroutines that are part of its type.
    coroutines: BTreeSet<String>,
    source: Option<Source>,
    offset: u64,
    size: u64,
    align: u64,
}

/// A state of a coroutine.
#[derive(Serialize)]
struct State {
    name: String,
    /// Where it waits in this state.
    source: Option<Source>,
    /// Where the last of its values ends.
    size: u64,
    /// What is saved in this state, by index.
    saved: Vec<usize>,
    /// The states in which it may be when it was resumed in this state, by number.
    leads_to: BTreeSet<usize>,
}

/// What became of an await; see [`AwaitFate`].
#[derive(Serialize)]
struct Await {
    awaitee: String,
    source: Option<Source>,
    fate: &'static str,
    with: Option<Source>,
    reason: Option<String>,
    cost: Option<usize>,
    limit: Option<usize>,
}

/// A piece of the source. Lines and columns count from one; the last column is not part of it.
#[derive(Serialize)]
struct Source {
    file: PathBuf,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// Writes the coroutines of the crate, the largest first, to a file in `directory`, which is made
/// if there is none.
pub(crate) fn dump_coroutines<'tcx>(
    tcx: TyCtxt<'tcx>,
    codegen_units: &[CodegenUnit<'tcx>],
    directory: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut instances = FxIndexSet::default();
    for item in codegen_units.iter().flat_map(|unit| unit.items().keys()) {
        if let MonoItem::Fn(instance) = *item {
            instances.extend(coroutines_with_code_in(tcx, instance));
        }
    }
    let described = instances.into_iter().filter_map(|instance| Describer::describe(tcx, instance));
    let mut coroutines: Vec<_> = described.collect();
    coroutines.sort_by(|one, other| {
        other.size.cmp(&one.size).then_with(|| one.symbol.cmp(&other.symbol))
    });

    fs::create_dir_all(directory)?;
    // A package may have a library and a binary of one name.
    let (name, id) = (tcx.crate_name(LOCAL_CRATE), tcx.stable_crate_id(LOCAL_CRATE).as_u64());
    let file = File::create_buffered(directory.join(format!("{name}-{id:016x}.json")))?;
    Ok(serde_json::to_writer(file, &coroutines)?)
}

/// The coroutines whose code is that of `instance`, or a part of it: what resumes them may have
/// been inlined in it. A coroutine that is a part of another one holds nothing of its own.
fn coroutines_with_code_in<'tcx>(
    tcx: TyCtxt<'tcx>,
    instance: Instance<'tcx>,
) -> Vec<Instance<'tcx>> {
    let is_coroutine = |instance: &Instance<'tcx>| match instance.def {
        InstanceKind::Item(def_id) => tcx.is_coroutine(def_id),
        _ => false,
    };
    if is_coroutine(&instance) {
        return vec![instance];
    }
    let InstanceKind::Item(def_id) = instance.def else { return vec![] };
    if tcx.is_foreign_item(def_id) || tcx.intrinsic(def_id).is_some() {
        return vec![];
    }
    let scopes = &tcx.instance_mir(instance.def).source_scopes;
    let inlined_in = |scope: &SourceScopeData<'tcx>| {
        scope.inlined_parent_scope.and_then(|parent| scopes[parent].inlined)
    };
    let inlined = scopes.iter().filter_map(|scope| {
        let (coroutine, _) = scope.inlined.filter(|(inlined, _)| is_coroutine(inlined))?;
        let is_in_another = inlined_in(scope).is_some_and(|(around, _)| is_coroutine(&around));
        (!is_in_another).then(|| {
            instance.instantiate_mir_and_normalize_erasing_regions(
                tcx,
                TypingEnv::fully_monomorphized(),
                EarlyBinder::bind(coroutine),
            )
        })
    });
    inlined.collect()
}

/// Describes one coroutine.
struct Describer<'tcx> {
    cx: LayoutCx<'tcx>,
    instance: Instance<'tcx>,
    layout: TyAndLayout<'tcx>,
}

impl<'tcx> Describer<'tcx> {
    /// Describes the coroutine of `instance`, or nothing if it has no layout, which is an error
    /// that codegen will report.
    fn describe(tcx: TyCtxt<'tcx>, instance: Instance<'tcx>) -> Option<Coroutine> {
        let typing_env = TypingEnv::fully_monomorphized();
        let cx = LayoutCx::new(tcx, typing_env);
        let ty = instance.ty(tcx, typing_env);
        let layout = tcx.layout_of(typing_env.as_query_input(ty)).ok()?;
        let describer = Describer { cx, instance, layout };
        let def_id = instance.def_id();
        let body = tcx.instance_mir(instance.def);
        let (saved, states) = describer.saved_and_states(body);
        let noted = body.coroutine.iter().flat_map(|coroutine| &coroutine.noted_awaits);
        Some(Coroutine {
            name: name_of(ty),
            path: with_no_trimmed_paths!(tcx.def_path_str(def_id)),
            defined_in: tcx.crate_name(def_id.krate).to_string(),
            kind: tcx.coroutine_kind(def_id).map(|kind| kind.to_string()).unwrap_or_default(),
            symbol: tcx.symbol_name(instance).name.to_owned(),
            source: source(tcx, tcx.def_span(def_id)),
            size: layout.size.bytes(),
            align: layout.align.bytes(),
            tag: describer.tag(),
            upvars: describer.upvars(),
            saved,
            states,
            awaits: noted.map(|noted| describer.of_await(noted)).collect(),
        })
    }

    fn tag(&self) -> Option<Bytes> {
        let Variants::Multiple { tag, tag_field, .. } = self.layout.variants else { return None };
        let offset = self.layout.fields.offset(tag_field.as_usize()).bytes();
        Some(Bytes { offset, size: tag.size(&self.cx).bytes() })
    }

    fn upvars(&self) -> Vec<Value> {
        let tcx = self.cx.tcx();
        let def_id = self.instance.def_id();
        let names = tcx.closure_saved_names_of_captured_variables(def_id);
        // Metadata do not say where the variables of another crate are.
        let spans: Vec<_> = match def_id.as_local() {
            Some(local) => {
                let captures = tcx.closure_captures(local).iter();
                captures.map(|captured| tcx.hir_span(captured.get_root_variable())).collect()
            }
            None => vec![],
        };
        let describe = |(index, name): (usize, &Symbol)| {
            let source = spans.get(index).and_then(|&span| source(tcx, span));
            let layout = self.layout.field(&self.cx, index);
            self.value(Some(name.to_string()), layout, self.layout.fields.offset(index), source)
        };
        names.iter().enumerate().map(describe).collect()
    }

    /// What is saved, and the states. Both are empty for a coroutine that needs no state.
    fn saved_and_states(&self, body: &Body<'tcx>) -> (Vec<Value>, Vec<State>) {
        let tcx = self.cx.tcx();
        let (def_id, args) = (self.instance.def_id(), self.instance.args);
        let Variants::Multiple { .. } = self.layout.variants else { return (vec![], vec![]) };
        let Ok(coroutine) = tcx.coroutine_layout(def_id, args) else { return (vec![], vec![]) };

        let upvars = 0..args.as_coroutine().upvar_tys().len();
        let end_of_upvars = upvars
            .map(|index| self.layout.fields.offset(index) + self.layout.field(&self.cx, index).size)
            .fold(Size::ZERO, Size::max);
        let successors = successors_of_states(tcx, body, def_id);
        let variables = body.saved_variables(tcx, coroutine);
        let mut saved = FxIndexMap::default();
        let mut states = vec![];
        for (variant, fields) in coroutine.variant_fields.iter_enumerated() {
            let layout_of_variant = self.layout.for_variant(&self.cx, variant);
            let mut end = end_of_upvars;
            let mut saved_here = vec![];
            for (field, &local) in fields.iter_enumerated() {
                let layout = layout_of_variant.field(&self.cx, field.as_usize());
                let offset = layout_of_variant.fields.offset(field.as_usize());
                end = end.max(offset + layout.size);
                // A value has one place, whatever state the coroutine is in.
                let entry = saved.entry(local);
                saved_here.push(entry.index());
                entry.or_insert_with(|| {
                    let name = coroutine.field_names[local].map(|name| name.to_string());
                    let of_local = &coroutine.field_tys[local].source_info;
                    let info = variables.get(&local).unwrap_or(of_local);
                    self.value(name, layout, offset, source(tcx, info.span))
                });
            }
            let is_suspended = variant.as_usize() >= ty::CoroutineArgs::RESERVED_VARIANTS;
            let span = coroutine.variant_source_info[variant].span;
            states.push(State {
                name: ty::CoroutineArgs::variant_name(variant).into_owned(),
                source: is_suspended.then(|| source(tcx, span)).flatten(),
                size: end.bytes(),
                saved: saved_here,
                leads_to: successors.get(&variant).cloned().unwrap_or_default(),
            });
        }
        (saved.into_values().collect(), states)
    }

    fn value(
        &self,
        name: Option<String>,
        layout: TyAndLayout<'tcx>,
        offset: Size,
        source: Option<Source>,
    ) -> Value {
        let types = layout.ty.walk().filter_map(|argument| argument.as_type());
        Value {
            name,
            ty: name_of(layout.ty),
            coroutines: types.filter(|ty| ty.is_coroutine()).map(name_of).collect(),
            source,
            offset: offset.bytes(),
            size: layout.size.bytes(),
            align: layout.align.bytes(),
        }
    }

    fn of_await(&self, noted: &NotedAwait<'tcx>) -> Await {
        let tcx = self.cx.tcx();
        let typing_env = TypingEnv::fully_monomorphized();
        let awaitee = self.instance.try_instantiate_mir_and_normalize_erasing_regions(
            tcx,
            typing_env,
            EarlyBinder::bind(noted.awaitee),
        );
        let (fate, with, reason, cost, limit) = match noted.fate {
            AwaitFate::NeverWaits => ("never waits", None, None, None, None),
            AwaitFate::WaitsIfAwaiteeDoes => ("waits if its awaitee does", None, None, None, None),
            AwaitFate::Inlined => ("inlined", None, None, None, None),
            AwaitFate::NotInlined { reason, cost, limit } => {
                ("not inlined", None, Some(reason), cost, Some(limit))
            }
            AwaitFate::Merged { with } => ("merged", Some(with), None, None, None),
            AwaitFate::NotMerged { with, reason } => {
                ("not merged", Some(with), Some(reason), None, None)
            }
        };
        Await {
            awaitee: name_of(awaitee.unwrap_or(noted.awaitee)),
            source: source(tcx, noted.span),
            fate,
            with: with.and_then(|with| source(tcx, with)),
            reason: reason.map(|reason| reason.to_string()),
            cost,
            limit,
        }
    }
}

/// The name of the type, which is the same whatever crate asks for it.
fn name_of(ty: Ty<'_>) -> String {
    with_resolve_crate_name!(with_no_trimmed_paths!(ty.to_string()))
}

/// Where the span is, if it is in a file: in the outermost code that was written there, for what a
/// macro has made.
fn source(tcx: TyCtxt<'_>, span: Span) -> Option<Source> {
    let span = span.source_callsite();
    let map = tcx.sess.source_map();
    if span.is_dummy() {
        return None;
    }
    let (start, end) = (map.lookup_char_pos(span.lo()), map.lookup_char_pos(span.hi()));
    let FileName::Real(file) = &start.file.name else { return None };
    // The path may be one in the directory in which its crate was compiled.
    let (directory, path) = file.embeddable_name(RemapPathScopeComponents::DIAGNOSTICS);
    Some(Source {
        file: directory.join(path),
        line: start.line,
        column: start.col.0 + 1,
        end_line: end.line,
        end_column: end.col.0 + 1,
    })
}

/// The states in which a coroutine may be when it was resumed in each. The function that resumes
/// it starts with a branch by the state, and what lies behind one of the cases sets the next state.
fn successors_of_states<'tcx>(
    tcx: TyCtxt<'tcx>,
    body: &Body<'tcx>,
    coroutine: DefId,
) -> FxIndexMap<VariantIdx, BTreeSet<usize>> {
    let targets = body.basic_blocks.iter().find_map(|data| match &data.terminator().kind {
        TerminatorKind::SwitchInt { targets, .. } => Some(targets),
        _ => None,
    });
    let mut successors = FxIndexMap::default();
    for (state, start) in targets.iter().flat_map(|targets| targets.iter()) {
        let mut set = BTreeSet::new();
        for (_, data) in Preorder::new(body, start) {
            for statement in &data.statements {
                if let StatementKind::SetDiscriminant { place, variant_index } = &statement.kind
                    && let ty::Coroutine(def_id, _) = place.ty(body, tcx).ty.kind()
                    && *def_id == coroutine
                {
                    set.insert(variant_index.as_usize());
                }
            }
        }
        successors.insert(VariantIdx::from_usize(state as usize), set);
    }
    successors
}
