package agemem;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;

/**
 * Changes the simulator's classes as they are loaded ({@code java -javaagent:FILE.jar}):
 *
 * <ul>
 *   <li>objects have a counted hash ({@link Counted}) instead of an identity hash, so that nothing depends on the JVM;
 *   <li>the gold agent's steps are those of {@link Simulation};
 *   <li>what the parser and the subgoals ask again and again is asked once ({@link Referents}, {@link Surroundings}).
 * </ul>
 *
 * With {@code -javaagent:FILE.jar=plain} the last is left out; the texts are the same.
 */
public final class Agent implements ClassFileTransformer {
    private static final String[] PACKAGES = {"scienceworld/", "language/", "main/", "util/"};
    private static final String PARSER = "scienceworld/input/InputParser";
    private static final String INTERFACE = "scienceworld/runtime/pythonapi/PythonInterface";
    private static final String WORLD = "scienceworld/runtime/AgentInterface";
    private static final String OBJECT = "scienceworld/struct/EnvObject";
    private static final String GOALS = "scienceworld/tasks/goals/GoalSequence";
    private static final String SUBGOALS = "scienceworld/tasks/goals/specificgoals/";
    private static final String GOLD_AGENT = "scienceworld/tasks/specifictasks/TaskParametric$";
    private static final String MODULE = "scienceworld/input/InputParser$";

    private final boolean plain;

    Agent(boolean plain) {
        this.plain = plain;
    }

    public static void premain(String argument, Instrumentation instrumentation) {
        instrumentation.addTransformer(new Agent("plain".equals(argument)));
    }

    @Override
    public byte[] transform(
            ClassLoader loader, String name, Class<?> redefined, ProtectionDomain domain, byte[] bytes) {
        if (!isSimulators(name)) {
            return null;
        }
        try {
            ClassFile file = new ClassFile(bytes);
            // A Scala "object" is made once a JVM, in whichever load needs it first: it must not count.
            boolean changed = !name.endsWith("$") && file.extendInsteadOfObject("agemem/Counted");
            changed |= name.equals(GOLD_AGENT) && file.redirect(INTERFACE, "step", "agemem/Simulation", "goldStep");
            changed |= !plain && asksOnce(file, name);
            return changed ? file.bytes() : null;
        } catch (RuntimeException error) { // the JVM would swallow it and go on with the class as it was
            error.printStackTrace();
            Runtime.getRuntime().halt(70);
            return null;
        }
    }

    private static boolean asksOnce(ClassFile file, String name) {
        if (name.startsWith(SUBGOALS)) {
            return file.redirect(OBJECT, "getContainedObjectsAndPortalsRecursive", "agemem/Surroundings", "of");
        }
        switch (name) {
            case WORLD:
                return file.redirect(GOALS, "tick", "agemem/Surroundings", "check");
            case PARSER:
                return file.redirect(MODULE, "tokenize", "agemem/Referents", "beginParsing")
                        | file.redirect(MODULE, "getObjectReferents", "agemem/Referents", "of");
            case INTERFACE:
                return file.redirect(MODULE, "getPossibleReferents", "agemem/Referents", "unprinted");
            default:
                return false;
        }
    }

    private static boolean isSimulators(String name) {
        for (String start : PACKAGES) {
            if (name != null && name.startsWith(start)) {
                return true;
            }
        }
        return false;
    }
}
