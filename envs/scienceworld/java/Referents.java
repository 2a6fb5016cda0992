package agemem;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import scala.collection.Iterator;
import scienceworld.input.InputParser$;
import scienceworld.struct.EnvObject;

/**
 * The names by which objects can be called. To understand one command the parser tries every form of every action on every
 * object, and works out the object's names anew each time, some thousand times a command. Nothing changes meanwhile, so here
 * it is done once a command.
 */
public final class Referents {
    private static final int MAX_TEXTS = 20_000;

    private static final Map<EnvObject, String[]> names = new HashMap<>();
    private static final Map<String, String> words = new HashMap<>();
    private static EnvObject seenFrom;

    private Referents() {}

    /** In place of {@code tokenize(input)}, with which {@code InputParser.parse} begins. */
    public static String[] beginParsing(InputParser$ parser, String input) {
        names.clear();
        return parser.tokenize(input);
    }

    /** In place of {@code getObjectReferents(object, perspective)} within a parse: the same names in the same order. */
    public static String[] of(InputParser$ parser, EnvObject object, EnvObject perspective) {
        if (seenFrom != perspective) {
            names.clear();
            seenFrom = perspective;
        }
        String[] known = names.get(object);
        if (known == null) {
            known = collect(parser, object, perspective);
            names.put(object, known);
        }
        return known;
    }

    private static String[] collect(InputParser$ parser, EnvObject object, EnvObject perspective) {
        List<String> found = new ArrayList<>();
        for (Iterator<String> each = object.getReferentsWithContainers(perspective).iterator(); each.hasNext(); ) {
            found.add(withoutArticles(parser, each.next()));
        }
        return found.toArray(new String[0]);
    }

    /** Depends on nothing but the text. */
    private static String withoutArticles(InputParser$ parser, String text) {
        String known = words.get(text);
        if (known == null) {
            if (words.size() >= MAX_TEXTS) {
                words.clear();
            }
            known = String.join(" ", parser.tokenize(text));
            words.put(text, known);
        }
        return known;
    }

    /** In place of {@code getPossibleReferents}, which is printed after each step, and here to nowhere. */
    public static String[] unprinted(InputParser$ parser, EnvObject root, EnvObject perspective) {
        return new String[0];
    }
}
