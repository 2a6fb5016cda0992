package agemem;

import scala.util.Random$;
import scienceworld.goldagent.PathFinder$;
import scienceworld.runtime.pythonapi.PythonInterface;

/** Whole steps and loads of a simulator, each in one call from outside and each from a seed of its own. */
public final class Simulation {
    private static final int OBJECTS_PER_STEP = 1 << 18;

    private Simulation() {}

    /** Load a task; returns an error, or nothing. */
    public static String load(
            PythonInterface simulator, long seed, String task, int variation, String simplifications) {
        begin(0, seed);
        return simulator.load(task, variation, simplifications, false);
    }

    /**
     * The commands, one a line, that the simulator's own gold agent takes in the task that has just been loaded. The seed
     * is set after the load, which sets one by the variation: with that one, every call would draw the same path.
     */
    public static String goldPath(PythonInterface simulator, long seed, String task, int variation) {
        PathFinder$.MODULE$.precomputedExhaustivePaths().clear(); // it keeps ways that whoever asked first drew at random
        Random$.MODULE$.setSeed(seed);
        return String.join("\n", simulator.taskMaker().createGoldActions(task, variation, simulator)._1());
    }

    /** Take a step, the {@code number}th since the load: score, end, progress and text, with {@code US} between. */
    public static String step(PythonInterface simulator, long seed, int number, String command) {
        begin(number, seed);
        String text = simulator.step(command);
        return String.join(
                "\u001f",
                Double.toString(simulator.getScore()),
                Boolean.toString(simulator.getCompleted()),
                simulator.getGoalProgressStr(),
                text);
    }

    private static void begin(int step, long seed) {
        Random$.MODULE$.setSeed(seed);
        Counted.countFrom(step * OBJECTS_PER_STEP);
    }
}
