import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/** What calls came to, as text: the value or the class of the failure. All are compared before the first is complained about. */
final class Outcomes {
    /** A call of a client; a future that it returns is waited for. */
    interface Call {
        Object make() throws Exception;
    }

    private final boolean shown;
    private final List<String> wrong = new ArrayList<>();
    private int made = 0;

    /** When shown, each outcome is printed as it comes. */
    Outcomes(boolean shown) {
        this.shown = shown;
    }

    /** Makes a call, and expects it to come to a text. */
    void of(String what, String want, Call call) {
        String got = outcome(call);
        made++;
        if (shown) {
            System.out.println(what + " = " + got);
        }
        if (!got.equals(want)) {
            wrong.add(what + ": got " + got + ", want " + want);
        }
    }

    /** Makes a call again until it comes to a text, for some seconds. */
    void soon(String what, String want, Call call) throws InterruptedException {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!outcome(call).equals(want) && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        of(what, want, call);
    }

    /** Fails with all that went wrong; else says how many calls there were. */
    int settled() {
        if (!wrong.isEmpty()) {
            throw new AssertionError(wrong.size() + " of " + made + ":\n" + String.join("\n", wrong));
        }
        return made;
    }

    private static String outcome(Call call) {
        try {
            Object value = call.make();
            return text(value instanceof Future<?> future ? future.get() : value);
        } catch (ExecutionException | CompletionException failed) {
            return failed.getCause().getClass().getSimpleName();
        } catch (Exception failed) {
            return failed.getClass().getSimpleName();
        }
    }

    /** Maps and sets in order, so that equal ones have equal texts. */
    private static String text(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(entry -> text(entry.getKey()) + "=" + text(entry.getValue()))
                .sorted().collect(Collectors.joining(", ", "{", "}"));
        }
        if (value instanceof Collection<?> all) {
            return all.stream().map(Outcomes::text)
                .sorted(all instanceof Set ? Comparator.naturalOrder() : (one, other) -> 0)
                .collect(Collectors.joining(", ", "[", "]"));
        }
        return String.valueOf(value);
    }
}
