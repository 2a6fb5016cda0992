package agemem;

import java.util.Arrays;
import scala.collection.Iterator;
import scala.util.Random$;
import scienceworld.goldagent.PathFinder$;
import scienceworld.runtime.pythonapi.PythonInterface;
import scienceworld.struct.EnvObject;

/**
 * Loads and steps of the one simulator of a JVM, each in one call from outside, with a seed and with hashes of its own. The
 * gold agent takes the very same steps: what it saw happen happens again to whoever follows its path.
 */
public final class Simulation {
    private static final int OBJECTS_PER_STEP = 1 << 18;
    private static final long GOLDEN_RATIO = 0x9e3779b97f4a7c15L;

    private static long worldSeed;
    private static long agentSeed;
    private static int steps;

    private Simulation() {}

    /** Load a task; returns an error, or nothing. */
    public static String load(
            PythonInterface simulator, long seed, String task, int variation, String simplifications) {
        worldSeed = seed;
        steps = 0;
        begin();
        return simulator.load(task, variation, simplifications, false);
    }

    /**
     * Before the first step: put each thing into another holder. A line is a pair of the object tree's ids, with a space
     * between; no time passes, and nothing is drawn at random.
     */
    public static void move(PythonInterface simulator, String pairs) {
        EnvObject universe = simulator.agentInterface().get().universe();
        for (String pair : pairs.split("\n")) {
            String[] ids = pair.split(" ");
            find(universe, Long.parseLong(ids[1])).addObject(find(universe, Long.parseLong(ids[0])));
        }
    }

    /** The id of every object and what the simulator calls it in a room's description, a line each. */
    public static String names(PythonInterface simulator) {
        StringBuilder lines = new StringBuilder();
        Iterator<EnvObject> all = everything(simulator.agentInterface().get().universe());
        while (all.hasNext()) {
            EnvObject object = all.next();
            lines.append(object.uuid()).append(' ').append(object.getDescriptName("")).append('\n');
        }
        return lines.toString();
    }

    /** Take a step: score, end, progress and text, with the character US (31) between. */
    public static String step(PythonInterface simulator, String command) {
        steps++;
        begin();
        String text = simulator.step(command);
        return String.join(
                "\u001f",
                Double.toString(simulator.getScore()),
                Boolean.toString(simulator.getCompleted()),
                simulator.getGoalProgressStr(),
                text);
    }

    /**
     * The commands, one a line, that the simulator's own gold agent takes from here on. What it draws at random (where it
     * looks, what it uses) comes from {@code seed}, what happens in the world does not.
     */
    public static String goldPath(PythonInterface simulator, long seed, String task, int variation) {
        int before = steps;
        PathFinder$.MODULE$.precomputedExhaustivePaths().clear(); // ways that whoever asked first drew at random
        agentSeed = seed;
        seed(agentSeed);
        String[] all = simulator.taskMaker().createGoldActions(task, variation, simulator)._1();
        return String.join("\n", Arrays.copyOfRange(all, Math.min(before, all.length), all.length));
    }

    /** In place of {@code simulator.step(command)} where the gold agent calls it. */
    public static String goldStep(PythonInterface simulator, String command) {
        steps++;
        begin();
        String text = simulator.step(command);
        seed(agentSeed);
        return text;
    }

    private static Iterator<EnvObject> everything(EnvObject universe) {
        return universe.getContainedObjectsRecursive().iterator();
    }

    private static EnvObject find(EnvObject universe, long id) {
        Iterator<EnvObject> all = everything(universe);
        while (all.hasNext()) {
            EnvObject object = all.next();
            if (object.uuid() == id) {
                return object;
            }
        }
        throw new IllegalArgumentException("no object has the id " + id);
    }

    private static void begin() {
        seed(worldSeed);
        Counted.countFrom(steps * OBJECTS_PER_STEP);
    }

    /** The generator of Scala, which the simulator uses for everything: anew for each step. */
    private static void seed(long seed) {
        long mixed = seed + steps * GOLDEN_RATIO; // SplitMix64: Java's generator gives near seeds near numbers
        mixed = (mixed ^ (mixed >>> 30)) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
        Random$.MODULE$.setSeed(mixed ^ (mixed >>> 31));
    }
}
