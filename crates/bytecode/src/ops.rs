//! The opcode table: the single source for opcodes, operand kinds, cache sizes and their documentation.
//!
//! An instruction is one 64-bit word, followed by `cache` words that belong to it:
//!
//! ```text
//! format abc   | op:16 | a:16 | b:16 | c:16 |      registers, small immediates, 16-bit jumps
//! format ax    | op:16 | a:16 |     x:32    |      constant or name index, 32-bit jump or immediate
//! cache word 1 |   aux:32    |  dynamic:32  |      aux is static (set by the compiler), e.g. a name index
//! cache word n |        dynamic:64          |      owned by the interpreter's inline cache; 0 when fresh
//! ```
//! (lowest bits first). Jumps are relative to the word after the whole instruction, counted in words.
//! Registers are indices into the frame's window: `[0, nlocals)` locals (arguments first), then
//! `ncells` cells made by this function, then `nfrees` cells from its closure, then temporaries.
//! A register holding 0 is an unbound local.
//!
//! Rows: doc comment, `Name format(operands) cache N;`. Operand kinds are the variants of [`Kind`].
//! Derived from the table: [`Op`], [`Op::info`], the disassembler, the verifier, the interpreter's
//! dispatch table, and later the JIT's front end. To add an opcode: one row here, one handler in
//! `interp`.

/// Bits that slow paths set in the upper half of an instruction's first cache word, for the JIT: what was seen besides the
/// commonest case (small ints; lists indexed by small ints).
pub mod feedback {
    /// A float, or a float and an int.
    pub const FLOAT: u64 = 1 << 32;
    /// Operands of other types.
    pub const OTHER: u64 = 1 << 33;
    /// A tuple was indexed.
    pub const TUPLE: u64 = 1 << 34;
    /// An int result or operand beyond small ints.
    pub const BIG: u64 = 1 << 35;
    /// A dict was indexed.
    pub const DICT: u64 = 1 << 36;
    /// A negative index.
    pub const NEGATIVE: u64 = 1 << 37;
    /// Strs.
    pub const STR: u64 = 1 << 38;
    /// With `FLOAT`: an int to the right of a float.
    pub const RIGHT_INT: u64 = 1 << 39;
    /// With `FLOAT`: an int to the left of a float.
    pub const LEFT_INT: u64 = 1 << 40;
    /// With `FLOAT`: two ints, after floats had been seen.
    pub const INTS: u64 = 1 << 41;
    /// ForNext: a range iterator of small ints.
    pub const RANGE_ITER: u64 = 1 << 32;
    /// ForNext: a list iterator.
    pub const LIST_ITER: u64 = 1 << 33;
    /// ForNext: a tuple iterator.
    pub const TUPLE_ITER: u64 = 1 << 34;
    /// ForNext: a generator.
    pub const GENERATOR: u64 = 1 << 36;
    /// One operand of another type was told to the JIT; counts in the bits from here on.
    pub const TOLD: u64 = 1 << 56;
    /// So many are told.
    pub const MOST_TOLD: u64 = 24;
}

/// What an operand of an instruction means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Unused operand, zero.
    None,
    /// Register that is written.
    W,
    /// Register that is read.
    R,
    /// Register that is read and written.
    RW,
    /// First register of a run that is read; its length is in another operand.
    Run,
    /// First register of a run that is written; its length is in another operand.
    WRun,
    /// Signed 16-bit immediate.
    I16,
    /// Unsigned 16-bit immediate (a count or a selector).
    U16,
    /// Signed 16-bit jump.
    J16,
    /// Signed 32-bit jump (format ax).
    J32,
    /// Index into the constants (format ax).
    Const,
    /// Index into the names (format ax).
    Name,
    /// Signed 32-bit immediate (format ax).
    I32,
}

/// What the `aux` half of an instruction's first cache word means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aux {
    /// Unused, zero.
    None,
    /// Index into the names.
    Name,
    /// Index into the constants.
    Const,
    /// 1 for an augmented assignment (`a += b`), else 0.
    Inplace,
    /// A count of at most 16 bits.
    Count,
}

/// Static facts about an opcode.
#[derive(Debug)]
pub struct OpInfo {
    /// Name as `dis` prints it.
    pub name: &'static str,
    /// True for format ax, where operand 1 is the 32-bit `x`.
    pub wide: bool,
    /// Kinds of a, b, c (or a, x).
    pub operands: [Kind; 3],
    /// Number of cache words that follow.
    pub cache: usize,
    /// Meaning of the first cache word's low half.
    pub aux: Aux,
    /// The opcode that the compiler emits for this one, if this is a quickened form.
    pub base: Option<Op>,
    /// First paragraph of the documentation.
    pub doc: &'static str,
}

/// Calls `$m! { rows }` with the whole opcode table.
#[macro_export]
macro_rules! for_each_op {
    ($m:ident) => {
        $m! {
            // ---- moves, constants, locals ------------------------------------------------------------
            /// Do nothing.
            Nop abc() cache 0;
            /// `a = b`. `b` may be unbound (then so is `a`).
            Move abc(W, R) cache 0;
            /// `a = constants[x]`.
            LoadConst ax(W, Const) cache 0;
            /// `a = x` as an int.
            LoadInt ax(W, I32) cache 0;
            /// Raise UnboundLocalError (NameError for a free variable) naming local `a` if it is unbound.
            CheckLocal abc(R) cache 0;
            /// Unbind local `a`; UnboundLocalError if it is unbound already.
            DeleteLocal abc(RW) cache 0;
            /// Unbind register `a`, bound or not.
            ClearLocal abc(W) cache 0;
            // ---- cells and names ---------------------------------------------------------------------
            /// `a = new cell` holding register `b` (which may be unbound).
            MakeCell abc(W, R) cache 0;
            /// `a = new empty cell`.
            NewCell abc(W) cache 0;
            /// `a = contents of cell b`; raises if empty. The name is found from `b`.
            LoadDeref abc(W, R) cache 0;
            /// Contents of cell `a` = `b`.
            StoreDeref abc(R, R) cache 0;
            /// Empty cell `a`; raises if it is empty already.
            DeleteDeref abc(R) cache 0;
            /// `a = mapping b [name of cell c]`, else the contents of cell `c` (class bodies, annotation scopes).
            LoadFromDictOrDeref abc(W, R, R) cache 0;
            /// `a = mapping b [name aux]`, else the global or built-in `aux` (annotation scopes).
            LoadFromDictOrGlobal abc(W, R) cache 1 aux Name;
            /// `a = globals()[aux]`, else the built-in; NameError.
            LoadGlobal abc(W) cache 3 aux Name;
            /// `globals()[x] = a`.
            StoreGlobal ax(R, Name) cache 1;
            /// `del globals()[x]`; NameError.
            DeleteGlobal ax(None, Name) cache 0;
            /// `a = locals()[aux]`, else global, else built-in (module, class and exec code).
            LoadName abc(W) cache 3 aux Name;
            /// `locals()[x] = a`.
            StoreName ax(R, Name) cache 1;
            /// `del locals()[x]`; NameError.
            DeleteName ax(None, Name) cache 0;
            /// `a = locals()` of module, class or exec code: the mapping itself.
            LoadLocals abc(W) cache 0;
            /// `a = builtins.__build_class__`.
            LoadBuildClass abc(W) cache 0;
            /// `a = ` the common constant number `b` (see `CommonConst`).
            LoadCommonConst abc(W, U16) cache 0;
            // ---- attributes --------------------------------------------------------------------------
            /// `a = b.aux`.
            LoadAttr abc(W, R) cache 3 aux Name;
            /// `a.aux = b`.
            StoreAttr abc(R, R) cache 3 aux Name;
            /// `del a.aux`.
            DeleteAttr abc(R) cache 1 aux Name;
            /// Look up method `aux` of `b` for a call: `a = function, a+1 = b`, or `a = attribute, a+1 = 0`.
            LoadMethod abc(W, R) cache 3 aux Name;
            /// `a = super(c, c+1).aux` where `b` holds what the name `super` means; `c` = class, `c+1` = self.
            LoadSuperAttr abc(W, R, Run) cache 1 aux Name;
            /// As LoadSuperAttr, leaving a pair as LoadMethod does.
            LoadSuperMethod abc(W, R, Run) cache 1 aux Name;
            /// `a, a+1` = special method number `c` (see `Special`) of `b`, looked up on its type, as LoadMethod.
            LoadSpecial abc(W, R, U16) cache 1;
            // ---- subscripts --------------------------------------------------------------------------
            /// `a = b[c]`.
            LoadItem abc(W, R, R) cache 1;
            /// `a = b[c]` for a small constant int `c`.
            LoadItemI abc(W, R, I16) cache 1;
            /// `a[b] = c`.
            StoreItem abc(R, R, R) cache 1;
            /// `del a[b]`.
            DeleteItem abc(R, R) cache 0;
            /// `a = b[c : c+1]`.
            LoadSlice abc(W, R, Run) cache 0;
            /// `a[c : c+1] = b`.
            StoreSlice abc(R, R, Run) cache 0;
            /// `a = slice(b, b+1, b+2)`.
            BuildSlice abc(W, Run) cache 0;
            // ---- unary -------------------------------------------------------------------------------
            /// `a = -b`.
            Neg abc(W, R) cache 0;
            /// `a = +b`.
            Pos abc(W, R) cache 0;
            /// `a = ~b`.
            Invert abc(W, R) cache 0;
            /// `a = not b`.
            Not abc(W, R) cache 0;
            /// `a = bool(b)`.
            ToBool abc(W, R) cache 0;
            // ---- binary; `aux` says whether the operation is an augmented assignment ------------------
            /// `a = b + c`.
            Add abc(W, R, R) cache 1 aux Inplace;
            /// `a = b - c`.
            Sub abc(W, R, R) cache 1 aux Inplace;
            /// `a = b * c`.
            Mul abc(W, R, R) cache 1 aux Inplace;
            /// `a = b / c`.
            TrueDiv abc(W, R, R) cache 1 aux Inplace;
            /// `a = b // c`.
            FloorDiv abc(W, R, R) cache 1 aux Inplace;
            /// `a = b % c`.
            Mod abc(W, R, R) cache 1 aux Inplace;
            /// `a = b ** c`.
            Pow abc(W, R, R) cache 1 aux Inplace;
            /// `a = b << c`.
            LShift abc(W, R, R) cache 1 aux Inplace;
            /// `a = b >> c`.
            RShift abc(W, R, R) cache 1 aux Inplace;
            /// `a = b & c`.
            And abc(W, R, R) cache 1 aux Inplace;
            /// `a = b | c`.
            Or abc(W, R, R) cache 1 aux Inplace;
            /// `a = b ^ c`.
            Xor abc(W, R, R) cache 1 aux Inplace;
            /// `a = b @ c`.
            MatMul abc(W, R, R) cache 1 aux Inplace;
            /// `a = b + c`, small constant int `c`.
            AddI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b - c`, small constant int `c`.
            SubI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b * c`, small constant int `c`.
            MulI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b // c`, small constant int `c` (not 0).
            FloorDivI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b % c`, small constant int `c` (not 0).
            ModI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b << c`, small constant int `c` (0..=62).
            LShiftI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b >> c`, small constant int `c` (0..=62).
            RShiftI abc(W, R, I16) cache 1 aux Inplace;
            /// `a = b & c`, small constant int `c`.
            AndI abc(W, R, I16) cache 1 aux Inplace;
            // ---- comparisons -------------------------------------------------------------------------
            /// `a = b < c`.
            Lt abc(W, R, R) cache 1;
            /// `a = b <= c`.
            Le abc(W, R, R) cache 1;
            /// `a = b == c`.
            Eq abc(W, R, R) cache 1;
            /// `a = b != c`.
            Ne abc(W, R, R) cache 1;
            /// `a = b > c`.
            Gt abc(W, R, R) cache 1;
            /// `a = b >= c`.
            Ge abc(W, R, R) cache 1;
            /// `a = b is c`.
            Is abc(W, R, R) cache 0;
            /// `a = b is not c`.
            IsNot abc(W, R, R) cache 0;
            /// `a = b in c`.
            In abc(W, R, R) cache 0;
            /// `a = b not in c`.
            NotIn abc(W, R, R) cache 0;
            // ---- jumps -------------------------------------------------------------------------------
            /// Jump.
            Jump ax(None, J32) cache 0;
            /// Jump back to a loop's head: counts the loop, checks for interrupts.
            JumpBack ax(None, J32) cache 1;
            /// Jump if `a` is true.
            JumpIf ax(R, J32) cache 0;
            /// Jump if `a` is false.
            JumpIfNot ax(R, J32) cache 0;
            /// Jump if `a` is None.
            JumpIfNone ax(R, J32) cache 0;
            /// Jump if `a` is not None.
            JumpIfNotNone ax(R, J32) cache 0;
            /// Jump if `a < b`.
            JumpLt abc(R, R, J16) cache 1;
            /// Jump unless `a < b`.
            JumpNotLt abc(R, R, J16) cache 1;
            /// Jump if `a <= b`.
            JumpLe abc(R, R, J16) cache 1;
            /// Jump unless `a <= b`.
            JumpNotLe abc(R, R, J16) cache 1;
            /// Jump if `a == b`.
            JumpEq abc(R, R, J16) cache 1;
            /// Jump unless `a == b`.
            JumpNotEq abc(R, R, J16) cache 1;
            /// Jump if `a != b`.
            JumpNe abc(R, R, J16) cache 1;
            /// Jump unless `a != b`.
            JumpNotNe abc(R, R, J16) cache 1;
            /// Jump if `a > b`.
            JumpGt abc(R, R, J16) cache 1;
            /// Jump unless `a > b`.
            JumpNotGt abc(R, R, J16) cache 1;
            /// Jump if `a >= b`.
            JumpGe abc(R, R, J16) cache 1;
            /// Jump unless `a >= b`.
            JumpNotGe abc(R, R, J16) cache 1;
            /// Jump if `a < b`, small constant int `b`.
            JumpLtI abc(R, I16, J16) cache 1;
            /// Jump unless `a < b`, small constant int `b`.
            JumpNotLtI abc(R, I16, J16) cache 1;
            /// Jump if `a <= b`, small constant int `b`.
            JumpLeI abc(R, I16, J16) cache 1;
            /// Jump unless `a <= b`, small constant int `b`.
            JumpNotLeI abc(R, I16, J16) cache 1;
            /// Jump if `a == b`, small constant int `b`.
            JumpEqI abc(R, I16, J16) cache 1;
            /// Jump unless `a == b`, small constant int `b`.
            JumpNotEqI abc(R, I16, J16) cache 1;
            /// Jump if `a != b`, small constant int `b`.
            JumpNeI abc(R, I16, J16) cache 1;
            /// Jump unless `a != b`, small constant int `b`.
            JumpNotNeI abc(R, I16, J16) cache 1;
            /// Jump if `a > b`, small constant int `b`.
            JumpGtI abc(R, I16, J16) cache 1;
            /// Jump unless `a > b`, small constant int `b`.
            JumpNotGtI abc(R, I16, J16) cache 1;
            /// Jump if `a >= b`, small constant int `b`.
            JumpGeI abc(R, I16, J16) cache 1;
            /// Jump unless `a >= b`, small constant int `b`.
            JumpNotGeI abc(R, I16, J16) cache 1;
            /// Jump if `a is b`.
            JumpIs abc(R, R, J16) cache 0;
            /// Jump if `a is not b`.
            JumpIsNot abc(R, R, J16) cache 0;
            /// Jump unless exception `a` matches `b` (a class or a tuple of classes, checked).
            JumpExcNotMatch abc(R, R, J16) cache 0;
            // ---- iteration ---------------------------------------------------------------------------
            /// `a = iter(b)`.
            GetIter abc(W, R) cache 0;
            /// The bottom of a for loop: `b = next(a)` and jump (back, to the body) by `c`; falls through when
            /// exhausted. Counts the loop, checks for interrupts.
            ForNext abc(R, W, J16) cache 1;
            /// As ForNext followed by a long jump: the compiler uses it when the body is too long for 16 bits:
            /// falls through with `b = next(a)`, jumps forward by `c` when exhausted.
            ForNextOrJump abc(R, W, J16) cache 1;
            /// `a ... = b` unpacked into `c` registers from `a` on.
            UnpackSequence abc(WRun, R, U16) cache 1;
            /// `b` unpacked into registers from `a`: `c & 0xff` before the star, a list, `c >> 8` after it.
            UnpackEx abc(WRun, R, U16) cache 0;
            // ---- building ----------------------------------------------------------------------------
            /// `a = (b, ..., b+c-1)`.
            BuildTuple abc(W, Run, U16) cache 0;
            /// `a = [b, ..., b+c-1]`.
            BuildList abc(W, Run, U16) cache 0;
            /// `a = {b, ..., b+c-1}`.
            BuildSet abc(W, Run, U16) cache 0;
            /// `a = {b: b+1, b+2: b+3, ...}`, `c` pairs.
            BuildMap abc(W, Run, U16) cache 0;
            /// `a = ''.join` of the `c` strs from `b` on.
            BuildString abc(W, Run, U16) cache 0;
            /// Append `b` to the list `a`.
            ListAppend abc(R, R) cache 0;
            /// Extend the list `a` by the iterable `b` (error text of `*` displays).
            ListExtend abc(R, R) cache 0;
            /// Add `b` to the set `a`.
            SetAdd abc(R, R) cache 0;
            /// Update the set `a` by the iterable `b`.
            SetUpdate abc(R, R) cache 0;
            /// Dict `a`[`b`] = `c`.
            MapAdd abc(R, R, R) cache 0;
            /// Update the dict `a` by the mapping `b` (`{**b}`).
            DictUpdate abc(R, R) cache 0;
            /// Merge the mapping `b` into the keyword dict `a` for a call of `c`; duplicates raise TypeError.
            DictMerge abc(R, R, R) cache 0;
            /// `a = tuple(list b)`.
            ListToTuple abc(W, R) cache 0;
            /// `a = str/repr/ascii(b)`, or `b` as an exact int or float as `%d` and `%f` want it, by `c` (see `Conversion`).
            ConvertValue abc(W, R, U16) cache 0;
            /// `a = format(b)` with an empty spec.
            FormatSimple abc(W, R) cache 0;
            /// `a = format(b, c)`.
            FormatSpec abc(W, R, R) cache 0;
            /// `a = Interpolation(value b, expression b+1, conversion by c & 3 (0 none), spec b+2 if c & 4)`.
            BuildInterpolation abc(W, Run, U16) cache 0;
            /// `a = Template(strings b, interpolations c)`.
            BuildTemplate abc(W, R, R) cache 0;
            // ---- calls: result to `c` ----------------------------------------------------------------
            /// `c = a(a+1, ..., a+b)`: `b` positional arguments.
            Call abc(Run, U16, W) cache 2;
            /// As Call; the last arguments are keyword arguments named by the tuple constants[aux].
            CallKw abc(Run, U16, W) cache 2 aux Const;
            /// As Call for the pair `a, a+1` left by LoadMethod; `b` arguments from `a+2` on.
            CallMethod abc(Run, U16, W) cache 2;
            /// As CallMethod with keyword names constants[aux].
            CallMethodKw abc(Run, U16, W) cache 2 aux Const;
            /// `c = a(*a+1, **a+2)`; `a+1` any iterable, `a+2` a dict or unbound when `b` is 0.
            CallEx abc(Run, U16, W) cache 0;
            /// `a = intrinsic c (see Intrinsic) of b` (a run where the intrinsic takes several).
            CallIntrinsic abc(W, Run, U16) cache 0;
            /// Return `a`.
            Return abc(R) cache 0;
            /// Return None.
            ReturnNone abc() cache 0;
            // ---- functions, classes, imports -----------------------------------------------------------
            /// `a = function` of the code constants[x].
            MakeFunction ax(W, Const) cache 0;
            /// Set attribute `c` (see `FuncAttr`) of the new function `a` to `b`.
            SetFuncAttr abc(R, R, U16) cache 0;
            /// `a = __import__(aux, globals, locals, b+1 (fromlist), b (level))`.
            ImportName abc(W, Run) cache 1 aux Name;
            /// `a = from-import of aux out of module b`.
            ImportFrom abc(W, R) cache 1 aux Name;
            /// `from a import *` into the locals.
            ImportStar abc(R) cache 0;
            /// Make sure locals() has `__annotations__` (module or class with simple-statement annotations under
            /// `from __future__ import annotations`).
            SetupAnnotations abc() cache 0;
            // ---- generators and coroutines -------------------------------------------------------------
            /// Make the generator, coroutine or async generator of this frame and return it. First instruction
            /// after the cells are made. On first resumption `a` receives the sent value (None).
            ReturnGenerator abc(W) cache 0;
            /// Yield `a`; on resumption `b` receives the sent value.
            Yield abc(R, W) cache 0;
            /// Yield `a` while delegating to the iterator `b` (inside `yield from` and `await`); on resumption `a`
            /// receives the sent value. `throw()` and `close()` go to `b` first.
            YieldDelegate abc(RW, R) cache 0;
            /// Send `b` to the iterator `a`: `b` = what it yields, falling through; when it is finished, `b` = its
            /// return value and jump by `c`.
            Send abc(R, RW, J16) cache 1;
            /// `a = iterator for yield from` of `b` (a coroutine only in a coroutine; TypeError).
            GetYieldFromIter abc(W, R) cache 0;
            /// `a = awaitable iterator of b`; `c`: 0 await, 1 `__aenter__`, 2 `__aexit__` (error texts).
            GetAwaitable abc(W, R, U16) cache 0;
            /// `a = b.__aiter__()` (checked).
            GetAIter abc(W, R) cache 0;
            /// `a = awaitable iterator of b.__anext__()`.
            GetANext abc(W, R) cache 0;
            /// End an `async for`: if exception `a` is StopAsyncIteration fall through, else re-raise it.
            EndAsyncFor abc(R) cache 0;
            // ---- exceptions ----------------------------------------------------------------------------
            /// Raise `a` (an exception or a class).
            Raise abc(R) cache 0;
            /// `raise a from b`.
            RaiseFrom abc(R, R) cache 0;
            /// `raise` without operand: re-raise the exception being handled; RuntimeError if none.
            RaiseCurrent abc() cache 0;
            /// Re-raise exception `a` as it is (end of a finally clause or of a failed match). If `b` is 1 the frame is
            /// afterwards where the exception was raised.
            Reraise abc(R, U16) cache 0;
            /// Enter a handler: `b` = the exception handled until now (or None), then handle `a`.
            PushExcInfo abc(R, W) cache 0;
            /// Leave a handler: handle `a` again (None for nothing).
            PopExcInfo abc(R) cache 0;
            /// `except*`: split `b` by the type(s) `c`: `a` = matching group or None, `a+1` = rest or None.
            CheckEgMatch abc(WRun, R, R) cache 0;
            /// End of `except*`: `a` = what must be raised of original `b` and list of raised/unmatched `c`, or None.
            PrepReraiseStar abc(W, R, R) cache 0;
            /// `a = (b)(type(c), c, c.__traceback__)` where `b, b+1` is the pair of `__exit__`.
            WithExceptStart abc(W, Run, R) cache 0;
            // ---- pattern matching ----------------------------------------------------------------------
            /// `a = len(b)`.
            GetLen abc(W, R) cache 0;
            /// `a = b is a mapping pattern subject`.
            MatchMapping abc(W, R) cache 0;
            /// `a = b is a sequence pattern subject`.
            MatchSequence abc(W, R) cache 0;
            /// `a = tuple of the values of mapping b under the keys in tuple c`, or None if one is missing.
            MatchKeys abc(W, R, R) cache 0;
            /// `a = tuple of attributes` of `b` as class pattern of class `c`: `c+1` holds the tuple of keyword
            /// names, aux the number of positional patterns; None if it does not match.
            MatchClass abc(W, R, Run) cache 1 aux Count;
            // ---- quickened forms, written by the interpreter over the base form --------------------------
            /// Add, operands seen as float (or a mix of int and float).
            AddFloat abc(W, R, R) cache 1 aux Inplace quick Add;
            /// Sub, operands seen as float.
            SubFloat abc(W, R, R) cache 1 aux Inplace quick Sub;
            /// Mul, operands seen as float.
            MulFloat abc(W, R, R) cache 1 aux Inplace quick Mul;
        /// LoadGlobal of a built-in: cache words 2 and 3 hold the versions of the globals' and the built-ins' keys.
        LoadGlobalBuiltin abc(W) cache 3 aux Name quick LoadGlobal;
        /// LoadName in code whose locals are its globals, found there.
        LoadNameGlobal abc(W) cache 3 aux Name quick LoadName;
        /// LoadAttr of an inline slot: type version, shape, and offsets of the shape word and the slot.
        LoadAttrSlot abc(W, R) cache 3 aux Name quick LoadAttr;
        /// LoadAttr of an inline slot that holds a double; cache words as LoadAttrSlot.
        LoadAttrDouble abc(W, R) cache 3 aux Name quick LoadAttr;
        /// LoadAttr of a `__slots__` word: type version and offset.
        LoadAttrMember abc(W, R) cache 3 aux Name quick LoadAttr;
        /// LoadAttr of a plain value of the class: type version, shape (0: instances have no attributes), value.
        LoadAttrClass abc(W, R) cache 3 aux Name quick LoadAttr;
        /// LoadAttr of a property with a Python getter: type version, getter.
        LoadAttrProperty abc(W, R) cache 3 aux Name quick LoadAttr;
        /// LoadAttr of a module variable: version of the module's keys, entry number.
        LoadAttrModule abc(W, R) cache 3 aux Name quick LoadAttr;
        /// LoadAttr of a plain value of a class object: version of that class, value.
        LoadAttrType abc(W, R) cache 3 aux Name quick LoadAttr;
        /// StoreAttr to an existing inline slot: type version, shape, offsets as LoadAttrSlot.
        StoreAttrSlot abc(R, R) cache 3 aux Name quick StoreAttr;
        /// StoreAttr to an inline slot that holds a double; cache words as LoadAttrSlot.
        StoreAttrDouble abc(R, R) cache 3 aux Name quick StoreAttr;
        /// StoreAttr that adds an inline slot: type version, old shape, new shape with the slot's offset in the top bits.
        StoreAttrAdd abc(R, R) cache 3 aux Name quick StoreAttr;
        /// StoreAttr that adds an inline slot with a double; cache words as StoreAttrAdd.
        StoreAttrAddDouble abc(R, R) cache 3 aux Name quick StoreAttr;
        /// StoreAttr to a `__slots__` word: type version and offset.
        StoreAttrMember abc(R, R) cache 3 aux Name quick StoreAttr;
        /// LoadMethod of a method of the class: type version, shape (0: instances have no attributes), function.
        LoadMethodClass abc(W, R) cache 3 aux Name quick LoadMethod;
        /// LoadMethod of a module variable: as LoadAttrModule.
        LoadMethodModule abc(W, R) cache 3 aux Name quick LoadMethod;
            }
    };
}

macro_rules! define_ops {
    (@base) => { None };
    (@base $b:ident) => { Some(Op::$b) };
    (@aux) => { Aux::None };
    (@aux $x:ident) => { Aux::$x };
    (@wide abc) => { false };
    (@wide ax) => { true };
    (@kinds) => { [Kind::None, Kind::None, Kind::None] };
    (@kinds $a:ident) => { [Kind::$a, Kind::None, Kind::None] };
    (@kinds $a:ident, $b:ident) => { [Kind::$a, Kind::$b, Kind::None] };
    (@kinds $a:ident, $b:ident, $c:ident) => { [Kind::$a, Kind::$b, Kind::$c] };
    ($( $(#[doc = $doc:literal])+ $name:ident $fmt:ident ( $($k:ident),* ) cache $cache:literal
        $(aux $aux:ident)? $(quick $base:ident)? ; )*) => {
        /// An opcode; see the rows of [`for_each_op`](crate::for_each_op).
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u16)]
        pub enum Op { $( $(#[doc = $doc])+ $name, )* }

        impl Op {
            /// All opcodes in table order.
            pub const ALL: &'static [Op] = &[ $(Op::$name),* ];
            /// Number of opcodes.
            pub const COUNT: usize = Self::ALL.len();

            const INFOS: &'static [OpInfo] = &[ $( OpInfo {
                name: stringify!($name),
                wide: define_ops!(@wide $fmt),
                operands: define_ops!(@kinds $($k),*),
                cache: $cache,
                aux: define_ops!(@aux $($aux)?),
                base: define_ops!(@base $($base)?),
                doc: concat!($($doc, "\n"),+),
            }, )* ];

            /// The static facts about this opcode.
            pub fn info(self) -> &'static OpInfo { &Self::INFOS[self as usize] }

            /// The opcode with number `n`, if there is one.
            pub fn from_u16(n: u16) -> Option<Op> { Self::ALL.get(n as usize).copied() }
        }
    };
}
for_each_op!(define_ops);

impl Op {
    /// The opcode that the compiler emitted for this (possibly quickened) one.
    pub fn base(self) -> Op {
        self.info().base.unwrap_or(self)
    }

    /// Words that one instruction of this opcode takes, caches included.
    pub fn words(self) -> usize {
        1 + self.info().cache
    }
}

/// One instruction word.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// Encodes format abc.
    pub fn abc(op: Op, a: u16, b: u16, c: u16) -> Word {
        Word(op as u64 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }
    /// Encodes format ax.
    pub fn ax(op: Op, a: u16, x: i32) -> Word {
        Word(op as u64 | (a as u64) << 16 | (x as u32 as u64) << 32)
    }
    /// Encodes a first cache word with the static half `aux`.
    pub fn aux(aux: u32) -> Word {
        Word(aux as u64)
    }
    /// The opcode, if its number is valid.
    pub fn op(self) -> Option<Op> {
        Op::from_u16(self.0 as u16)
    }
    /// Operand a.
    #[inline(always)]
    pub fn a(self) -> usize {
        (self.0 >> 16) as u16 as usize
    }
    /// Operand b.
    #[inline(always)]
    pub fn b(self) -> usize {
        (self.0 >> 32) as u16 as usize
    }
    /// Operand c.
    #[inline(always)]
    pub fn c(self) -> usize {
        (self.0 >> 48) as usize
    }
    /// Operand b as a signed immediate.
    #[inline(always)]
    pub fn sb(self) -> i16 {
        (self.0 >> 32) as i16
    }
    /// Operand c as a signed immediate or jump.
    #[inline(always)]
    pub fn sc(self) -> i16 {
        (self.0 >> 48) as i16
    }
    /// Operand x.
    #[inline(always)]
    pub fn x(self) -> i32 {
        (self.0 >> 32) as i32
    }
}

macro_rules! selector {
    ($(#[$m:meta])* $name:ident { $( $(#[$vm:meta])* $v:ident ),* $(,)? }) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        pub enum $name { $( $(#[$vm])* $v ),* }
        impl $name {
            /// All of them in order.
            pub const ALL: &'static [$name] = &[ $($name::$v),* ];
            /// The one with number `n`, if there is one.
            pub fn from_u16(n: u16) -> Option<$name> { Self::ALL.get(n as usize).copied() }
        }
    };
}

selector! {
    /// Operand of `LoadCommonConst`.
    CommonConst {
        /// `AssertionError`.
        AssertionError,
        /// `NotImplementedError`.
        NotImplementedError,
        /// `builtins.tuple`.
        Tuple,
        /// `builtins.all`.
        All,
        /// `builtins.any`.
        Any,
        /// `builtins.list`.
        List,
        /// `builtins.set`.
        Set,
    }
}

selector! {
    /// Operand of `LoadSpecial`; the order of the special methods of `with`.
    Special {
        /// `__enter__`.
        Enter,
        /// `__exit__`.
        Exit,
        /// `__aenter__`.
        AEnter,
        /// `__aexit__`.
        AExit,
    }
}

selector! {
    /// Operand of `ConvertValue`, and in the lowest bits that of `BuildInterpolation`.
    Conversion {
        /// None; `BuildInterpolation` only.
        None,
        /// `str(b)`.
        Str,
        /// `repr(b)`.
        Repr,
        /// `ascii(b)`.
        Ascii,
        /// The int that `%d` shows.
        Int,
        /// The float that `%f` shows.
        Float,
    }
}

selector! {
    /// Operand of `SetFuncAttr`.
    FuncAttr {
        /// Tuple of positional defaults.
        Defaults,
        /// Dict of keyword-only defaults.
        KwDefaults,
        /// Dict of annotations (evaluated eagerly; only under `from __future__ import annotations`).
        Annotations,
        /// Tuple of cells.
        Closure,
        /// The `__annotate__` function.
        Annotate,
    }
}

selector! {
    /// Operand of `CallIntrinsic`; `b` is the first argument, further ones follow it.
    Intrinsic {
        /// Print `b` by `sys.displayhook` (interactive mode).
        Print,
        /// Turn a StopIteration `b` that leaves a generator (StopAsyncIteration, async) into RuntimeError; gives
        /// the exception to raise.
        StopIterationError,
        /// Wrap a value yielded by an async generator.
        AsyncGenWrap,
        /// `TypeVar(b)`.
        TypeVar,
        /// `TypeVar(b, evaluate_bound=b+1)`.
        TypeVarWithBound,
        /// `TypeVar(b, evaluate_constraints=b+1)`.
        TypeVarWithConstraints,
        /// `ParamSpec(b)`.
        ParamSpec,
        /// `TypeVarTuple(b)`.
        TypeVarTuple,
        /// `Generic[*b]` for a tuple `b` of type parameters.
        SubscriptGeneric,
        /// `TypeAliasType` of the triple `b` = (name, type params or None, function computing the value).
        TypeAlias,
        /// Type parameter `b` gets the default computed by the function `b+1`; gives the parameter.
        SetTypeParamDefault,
        /// Function `b` gets `__type_params__` `b+1`; gives the function.
        SetFunctionTypeParams,
    }
}
