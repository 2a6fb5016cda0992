package agemem;

/**
 * What every object of the simulator is made of here: an object whose hash is a number, counted from the last
 * {@link #countFrom}. Java's own identity hash is drawn anew in every JVM, and with it changes the order in which Scala's
 * hash sets list the objects.
 */
public class Counted {
    private static int next;

    private final int hash = next++;

    /** The next object made gets {@code first} for its hash, the one after it the number that follows. */
    public static void countFrom(int first) {
        next = first;
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
