package agemem;

import scala.collection.immutable.Set;
import scienceworld.objects.agent.Agent;
import scienceworld.struct.EnvObject;
import scienceworld.tasks.goals.GoalSequence;
import scienceworld.tasks.goals.ObjMonitor;

/**
 * What there is around the agent. Each subgoal that is checked, twice a step and more, collects it anew; no check changes
 * anything, so here it is collected once a check of all of them.
 */
public final class Surroundings {
    private static boolean checking;
    private static EnvObject place;
    private static boolean withHidden;
    private static boolean withConnections;
    private static Set<EnvObject> known;

    private Surroundings() {}

    /** In place of {@code goals.tick(monitor, agent)}, which checks all subgoals. */
    public static void check(GoalSequence goals, ObjMonitor monitor, Agent agent) {
        known = null;
        checking = true;
        try {
            goals.tick(monitor, agent);
        } finally {
            checking = false;
            known = null;
        }
    }

    /** In place of {@code place.getContainedObjectsAndPortalsRecursive(hidden, connections)} where a subgoal calls it. */
    public static Set<EnvObject> of(EnvObject around, boolean hidden, boolean connections) {
        if (!checking) {
            return around.getContainedObjectsAndPortalsRecursive(hidden, connections);
        }
        if (known == null || place != around || withHidden != hidden || withConnections != connections) {
            known = around.getContainedObjectsAndPortalsRecursive(hidden, connections);
            place = around;
            withHidden = hidden;
            withConnections = connections;
        }
        return known;
    }
}
