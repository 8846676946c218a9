//! The JavaScript engine, with the language that a mapping may use: no time, no chance, no memory from row to row, and bounds on
//! what one row may do. Knows nothing of columns.

use std::path::Path;
use std::rc::Rc;

use boa_ast::scope::Scope;
use boa_engine::builtins::object::OrdinaryObject;
use boa_engine::context::time::JsInstant;
use boa_engine::context::{Clock, HostHooks};
use boa_engine::object::JsObject;
use boa_engine::realm::Realm;
use boa_engine::{
    Context, JsArgs, JsError, JsNativeError, JsResult, JsString, JsValue, NativeFunction, Script, Source,
};
use boa_engine::{js_string, object::FunctionObjectBuilder};
use boa_interner::Interner;
use boa_parser::Parser;

use crate::mistake::{Slip, thrown, unreadable};

/// Turns of loops in one call of a function: a mapping walks over a row's values and its own tables, hundreds at most.
pub(crate) const MOST_TURNS: u64 = 100_000;

/// Calls within calls. Each may take a stretch of the sandbox's stack, so that a deeper one would end the page instead of the row.
const MOST_CALLS: usize = 100;

/// The most that one buffer may take, in bits; a row's text has other ways.
const MOST_BUFFER: u64 = 1 << 23;

/// How positions in a script are told from the engine's own.
pub(crate) const FILE: &str = "mapping.js";

/// A script runs as the body of a function, anew for each row: what it declares at its top is new each time.
const BEFORE: &str = "(function () { 'use strict'; ";
const AFTER: &str = "\n;return { \
    reads: typeof reads === 'undefined' ? undefined : reads, \
    gives: typeof gives === 'undefined' ? undefined : gives, \
    map: typeof map === 'undefined' ? undefined : map }; })";

/// What a row decided by a call, whatever its script does after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Skip(String),
    Refuse(String, String),
    /// It asked for what a mapping does not have.
    Denied(String),
}

/// A script, read and ready to run.
pub(crate) struct Engine {
    context: Context,
    /// Runs the script and gives what it declares.
    script: JsObject,
    /// The prototype of a row: answers for fields that are not there.
    absent: JsObject,
}

impl Engine {
    /// Reads a script. Nothing of it runs yet.
    pub(crate) fn read(text: &str) -> Result<Self, Slip> {
        // Alone first: what closes the function around it must not be read as the end of the script.
        let wrapped = format!("{BEFORE}{text}{AFTER}");
        for (source, before) in [(text, 0), (wrapped.as_str(), BEFORE.len())] {
            let read =
                Parser::new(Source::from_bytes(source)).parse_script(&Scope::new_global(), &mut Interner::default());
            read.map_err(|error| unreadable(&error, text, before))?;
        }
        let mut engine = Self::bare().map_err(|error| Slip::general(format!("the engine did not start: {error}")))?;
        let source = Source::from_bytes(&wrapped).with_path(Path::new(FILE));
        let script = Script::parse(source, None, &mut engine.context).and_then(|it| it.evaluate(&mut engine.context));
        engine.script = script.map_err(|error| thrown(&error, text))?.as_object().unwrap_or(engine.script);
        Ok(engine)
    }

    fn bare() -> JsResult<Self> {
        let mut context = Context::builder().clock(Rc::new(Stopped)).host_hooks(Rc::new(Hooks)).build()?;
        let limits = context.runtime_limits_mut();
        limits.set_loop_iteration_limit(MOST_TURNS);
        limits.set_recursion_limit(MOST_CALLS);
        let verdicts = [(js_string!("skip"), skip as Decide, 1), (js_string!("refuse"), refuse as Decide, 2)];
        for (name, decide, arguments) in verdicts {
            context.register_global_builtin_callable(name, arguments, NativeFunction::from_fn_ptr(decide))?;
        }
        let prelude = context.eval(Source::from_bytes(include_str!("prelude.js")))?;
        let denied = NativeFunction::from_fn_ptr(denied);
        let denied = FunctionObjectBuilder::new(context.realm(), denied).build();
        let absent = call(&prelude, &[denied.into()], &mut context)?;
        let script = JsObject::with_null_proto();
        let absent = absent.as_object().unwrap_or_else(|| script.clone());
        Ok(Self { context, script, absent })
    }

    pub(crate) fn context(&mut self) -> &mut Context {
        &mut self.context
    }

    /// What the script declares under a name of its interface.
    pub(crate) fn declared(&mut self, name: &str) -> JsResult<JsValue> {
        self.context.remove_data::<Verdict>();
        let declared = self.run()?;
        declared.get(JsString::from(name), &mut self.context)
    }

    /// Runs `map` on a row: what it gives, or what it decided by a call.
    pub(crate) fn map(&mut self, row: impl IntoIterator<Item = (JsString, JsValue)>) -> JsResult<JsValue> {
        let absent = self.absent.clone();
        let object = JsObject::from_proto_and_data(absent, OrdinaryObject);
        for (name, value) in row {
            object.create_data_property(name, value, &mut self.context)?;
        }
        let map = self.declared("map")?;
        call(&map, &[object.into()], &mut self.context)
    }

    /// What the last row decided by a call.
    pub(crate) fn verdict(&mut self) -> Option<Verdict> {
        self.context.remove_data::<Verdict>().map(|verdict| *verdict)
    }

    fn run(&mut self) -> JsResult<JsObject> {
        let script = JsValue::from(self.script.clone());
        let declared = call(&script, &[], &mut self.context)?;
        declared.as_object().ok_or_else(|| JsNativeError::typ().with_message("the script gave nothing").into())
    }
}

fn call(function: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let function = function.as_callable();
    let function = function.ok_or_else(|| JsNativeError::typ().with_message("is not a function"))?;
    function.call(&JsValue::undefined(), arguments, context)
}

type Decide = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

fn skip(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let reason = words(arguments, 0, context)?;
    Err(decided(Verdict::Skip(reason), context))
}

fn refuse(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let (field, message) = (words(arguments, 0, context)?, words(arguments, 1, context)?);
    Err(decided(Verdict::Refuse(field, message), context))
}

fn denied(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let what = words(arguments, 0, context)?;
    Err(decided(Verdict::Denied(what), context))
}

fn words(arguments: &[JsValue], at: usize, context: &mut Context) -> JsResult<String> {
    let text = arguments.get_or_undefined(at).to_string(context)?.to_std_string_lossy();
    if arguments.len() <= at || text.trim().is_empty() {
        return Err(JsNativeError::typ().with_message("`skip` needs a reason, `refuse` a field and a message").into());
    }
    Ok(text)
}

/// The first verdict stands: a script that goes on after it, because it catches everything, changes nothing.
fn decided(verdict: Verdict, context: &mut Context) -> JsError {
    let message = match &verdict {
        Verdict::Skip(reason) => format!("skipped: {reason}"),
        Verdict::Refuse(field, message) => format!("refused: `{field}` {message}"),
        Verdict::Denied(what) => format!("asks for {what}"),
    };
    if !context.has_data::<Verdict>() {
        context.insert_data(verdict);
    }
    JsNativeError::error().with_message(message).into()
}

/// No time passes here. The prelude keeps scripts from asking; this is for the engine itself.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> JsInstant {
        JsInstant::new(0, 0)
    }

    fn system_time_millis(&self) -> i64 {
        0
    }
}

struct Hooks;

impl HostHooks for Hooks {
    fn ensure_can_compile_strings(
        &self,
        _: Realm,
        _: &[JsString],
        _: &JsString,
        _: bool,
        _: &mut Context,
    ) -> JsResult<()> {
        Err(JsNativeError::eval().with_message("a mapping can't make code out of text").into())
    }

    /// Dates without a zone are in UTC, on every machine.
    fn local_timezone_offset_seconds(&self, _: i64) -> i32 {
        0
    }

    fn max_buffer_size(&self, _: &mut Context) -> u64 {
        MOST_BUFFER
    }
}
