"""Mutants that no test can kill, each with the reason. They are not sampled."""

from __future__ import annotations

SERVING_CHECK = "functions/register_model/serving_check.py"
CHAMPION_CHECKS = "functions/register_model/champion_checks.py"
JUDGEMENT = "functions/run_canary/evaluation.py"
FILTER_COLUMNS = "layers/core/python/alsolike/filters/columns.py"
FILTER_EVALUATION = "layers/core/python/alsolike/filters/evaluation.py"
SLATE = "functions/recommend/rules/slate.py"
PROFILE = "layers/core/python/alsolike/profiles/profile.py"
PROFILES = "layers/core/python/alsolike/profiles/profile_table.py"
SESSION_LINKS = "layers/core/python/alsolike/profiles/session_marks.py"

EQUIVALENTS: dict[tuple[str, str, str, str], str] = {
    (SERVING_CHECK, "SEED = 0", "0", "1"): "Any seed draws histories.",
    (
        CHAMPION_CHECKS,
        'enough = taught.get("users", 0) >= limits.gate_min_compared_users '
        'and taught.get("hit_users", 0) >= MIN_HIT_USERS',
        "0",
        "1",
    ): "The setting is at least 2.",
    (
        JUDGEMENT,
        "if candidate.ratio is None or champion.ratio is None:",
        "candidate.ratio is None or champion.ratio is None",
        "candidate.ratio is None and champion.ratio is None",
    ): "With a z score, both arms have a ratio.",
    (
        JUDGEMENT,
        "lacks = candidate.users < share * users",
        "candidate.users < share * users",
        "candidate.users <= share * users",
    ): "With exactly the expected users the test's p-value is 1 as well.",
    (
        JUDGEMENT,
        "p = sample_ratio_p_value([candidate.users, champion.users], [share, 1 - share]) if lacks else 1.0",
        "1.0",
        "2.0",
    ): "The p-value is only compared with 0.001.",
    (
        JUDGEMENT,
        'return Test("missing users", sentence, None, None, p < MISSING_BELOW)',
        "p < MISSING_BELOW",
        "p <= MISSING_BELOW",
    ): "No counts of users have a p-value of exactly 0.001.",
    (
        JUDGEMENT,
        "expected = champion.eventful / champion.users * candidate.users if champion.users else 0.0",
        "0.0",
        "1.0",
    ): "Both are below MIN_EVENTS.",
    (
        JUDGEMENT,
        'return Test(name, f"{sentence} (z {z:.2f}, breach above {critical:.2f})", z, critical, z > critical)',
        "z > critical",
        "z >= critical",
    ): "The critical value is irrational.",
    (
        FILTER_COLUMNS,
        "none = np.full(1, np.nan if isinstance(column, NumberColumn) else -1, array.dtype)",
        "1",
        "2",
    ): "Nothing reads a second place after the last row; -1 is tested with the codes of strings.",
    (
        FILTER_EVALUATION,
        "positions = np.zeros(self._snapshot.row_count + 1, np.int32)",
        "1",
        "2",
    ): "Nothing reads a second place after the last row.",
    (
        FILTER_EVALUATION,
        "_ENTRY_BYTES = 2_000",
        "2000",
        "2001",
    ): "The size is an estimate.",
    (
        SLATE,
        "self._new, self._tightened = list(inputs.new_items), -1",
        "1",
        "2",
    ): "Rules count from 0, so any negative number differs from their counts.",
    (SLATE, "self.tightened = 0", "0", "1"): "Readers only compare it with earlier values.",
    (
        PROFILE,
        "if known is None or interaction > known:",
        "interaction > known",
        "interaction >= known",
    ): "An equal interaction takes the place of an equal one.",
    (
        PROFILE,
        'while first < len(items) and (key := items[first][PROFILES_SORT_KEY]["S"]) >= FIRST_MARK_KEY:',
        "(key := items[first][PROFILES_SORT_KEY]['S']) >= FIRST_MARK_KEY",
        "(key := items[first][PROFILES_SORT_KEY]['S']) > FIRST_MARK_KEY",
    ): "Every mark has a longer key.",
    (
        PROFILE,
        "if len(rows) < len(items) - first:",
        "len(items) - first",
        "len(items) + first",
    ): "Without histories, the branch only sorts rows that are sorted.",
    (PROFILES, "remember_bytes: int = 0,", "0", "1"): "No link fits into one byte.",
    (SESSION_LINKS, "_LINK_BYTES = 500", "500", "501"): "The size is an estimate.",
    (
        PROFILES,
        "if self.read(profile_id, length=1, consistent=consistent).erased:",
        "1",
        "2",
    ): "The mark of an erasure is read with any length.",
}
"""Reasons by path, changed line, expression before and after. An entry without its mutant is an error."""
