package agemem;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A class file (Java Virtual Machine Specification, chapter 4) that can be given another superclass, and other methods to
 * call. Constants are only ever added at the end and instructions only replaced by ones of the same length, so that nothing
 * else in the file moves.
 */
final class ClassFile {
    private static final int UTF8 = 1, INTEGER = 3, FLOAT = 4, LONG = 5, DOUBLE = 6, CLASS = 7, STRING = 8;
    private static final int FIELD_REF = 9, METHOD_REF = 10, INTERFACE_REF = 11, NAME_AND_TYPE = 12, METHOD_HANDLE = 15;
    private static final int METHOD_TYPE = 16, DYNAMIC = 17, INVOKE_DYNAMIC = 18;
    private static final int INTERFACE_FLAG = 0x0200;
    private static final int ALOAD_0 = 42, TABLE_SWITCH = 170, LOOKUP_SWITCH = 171, WIDE = 196, IINC = 132;
    private static final int INVOKE_VIRTUAL = 182, INVOKE_SPECIAL = 183, INVOKE_STATIC = 184;
    private static final String OBJECT = "java/lang/Object";
    private static final byte[] LENGTHS = instructionLengths();

    private final ByteBuffer in;
    private final int[] constants;
    private final int header;
    private final List<byte[]> added = new ArrayList<>();
    private final List<Method> methods = new ArrayList<>();
    private boolean hashes;

    /** A method with code: its name, its descriptor, and from where to where its instructions stand. */
    private static final class Method {
        final String name;
        final int begin;
        final int end;

        Method(String name, int begin, int end) {
            this.name = name;
            this.begin = begin;
            this.end = end;
        }
    }

    ClassFile(byte[] bytes) {
        in = ByteBuffer.wrap(bytes.clone());
        constants = new int[unsigned(8)];
        int at = 10;
        for (int index = 1; index < constants.length; index++) {
            constants[index] = at;
            int tag = in.get(at);
            at += 1 + constantLength(tag, at + 1);
            index += tag == LONG || tag == DOUBLE ? 1 : 0;
        }
        header = at;
        readMembers(at + 8 + 2 * unsigned(at + 6));
    }

    /** Where it extends {@code Object} and has no hash of its own, let it extend {@code parent}; whether it did. */
    boolean extendInsteadOfObject(String parent) {
        int above = unsigned(header + 4);
        boolean isInterface = (unsigned(header) & INTERFACE_FLAG) != 0;
        if (isInterface || hashes || above == 0 || !className(above).equals(OBJECT)) {
            return false;
        }
        int ours = addClass(parent);
        in.putShort(header + 4, (short) ours);
        for (Method method : methods) {
            if (method.name.equals("<init>")) {
                constructBy(method, ours);
            }
        }
        return true;
    }

    /** Let it call the static {@code toClass.toName(object, arguments…)} for {@code object.name(arguments…)}; whether it did. */
    boolean redirect(String owner, String name, String toClass, String toName) {
        boolean changed = false;
        for (Method method : methods) {
            for (int at = method.begin; at < method.end; at += instructionLength(at, method.begin)) {
                if (opcode(at) == INVOKE_VIRTUAL && refersTo(unsigned(at + 1), owner, name)) {
                    String type = utf8(unsigned(constants[nameAndType(unsigned(at + 1))] + 3));
                    int target = addMethod(toClass, toName, "(L" + owner + ";" + type.substring(1));
                    in.put(at, (byte) INVOKE_STATIC).putShort(at + 1, (short) target);
                    changed = true;
                }
            }
        }
        return changed;
    }

    /** The file as it is now. */
    byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] all = in.array();
        int count = constants.length + added.size();
        out.write(all, 0, 8);
        out.write(count >> 8);
        out.write(count);
        out.write(all, 10, header - 10);
        for (byte[] constant : added) {
            out.write(constant, 0, constant.length);
        }
        out.write(all, header, all.length - header);
        return out.toByteArray();
    }

    /** The call of {@code Object}'s constructor on {@code this}; {@code new Object()} stays what it is. */
    private void constructBy(Method constructor, int parent) {
        int before = 0;
        for (int at = constructor.begin; at < constructor.end; at += instructionLength(at, constructor.begin)) {
            if (opcode(at) == INVOKE_SPECIAL && before == ALOAD_0 && refersTo(unsigned(at + 1), OBJECT, "<init>")) {
                in.putShort(at + 1, (short) add(METHOD_REF, parent, nameAndType(unsigned(at + 1))));
            }
            before = opcode(at);
        }
    }

    private void readMembers(int at) {
        for (int kind = 0; kind < 2; kind++) { // fields, then methods
            int count = unsigned(at);
            at += 2;
            for (int member = 0; member < count; member++) {
                String name = utf8(unsigned(at + 2));
                hashes |= kind == 1 && name.equals("hashCode") && utf8(unsigned(at + 4)).equals("()I");
                int attributes = unsigned(at + 6);
                at += 8;
                for (int attribute = 0; attribute < attributes; attribute++) {
                    if (kind == 1 && utf8(unsigned(at)).equals("Code")) {
                        methods.add(new Method(name, at + 14, at + 14 + in.getInt(at + 10)));
                    }
                    at += 6 + in.getInt(at + 2);
                }
            }
        }
    }

    private boolean refersTo(int constant, String owner, String name) {
        return in.get(constants[constant]) == METHOD_REF
                && className(unsigned(constants[constant] + 1)).equals(owner)
                && utf8(unsigned(constants[nameAndType(constant)] + 1)).equals(name);
    }

    private int nameAndType(int reference) {
        return unsigned(constants[reference] + 3);
    }

    private String className(int constant) {
        return utf8(unsigned(constants[constant] + 1));
    }

    private String utf8(int constant) {
        int at = constants[constant];
        return new String(in.array(), at + 3, unsigned(at + 1), StandardCharsets.UTF_8);
    }

    private int addClass(String name) {
        return add(CLASS, addUtf8(name));
    }

    private int addMethod(String owner, String name, String type) {
        return add(METHOD_REF, addClass(owner), add(NAME_AND_TYPE, addUtf8(name), addUtf8(type)));
    }

    private int addUtf8(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            DataOutputStream data = new DataOutputStream(out);
            data.writeByte(UTF8);
            data.writeUTF(text);
        } catch (IOException impossible) {
            throw new IllegalStateException(impossible);
        }
        return append(out.toByteArray());
    }

    private int add(int tag, int... indices) {
        ByteBuffer constant = ByteBuffer.allocate(1 + 2 * indices.length).put((byte) tag);
        for (int index : indices) {
            constant.putShort((short) index);
        }
        return append(constant.array());
    }

    private int append(byte[] constant) {
        added.add(constant);
        int index = constants.length + added.size() - 1;
        if (index >= 0xffff) {
            throw new IllegalStateException("the constant pool is full");
        }
        return index;
    }

    private int constantLength(int tag, int at) {
        switch (tag) {
            case UTF8:
                return 2 + unsigned(at);
            case CLASS:
            case STRING:
            case METHOD_TYPE:
                return 2;
            case METHOD_HANDLE:
                return 3;
            case INTEGER:
            case FLOAT:
            case FIELD_REF:
            case METHOD_REF:
            case INTERFACE_REF:
            case NAME_AND_TYPE:
            case DYNAMIC:
            case INVOKE_DYNAMIC:
                return 4;
            case LONG:
            case DOUBLE:
                return 8;
            default:
                throw new IllegalStateException("constant of unknown kind " + tag);
        }
    }

    /** The length of the instruction at {@code at}; JVMS 6.5. */
    private int instructionLength(int at, int begin) {
        int opcode = opcode(at);
        if (opcode == TABLE_SWITCH || opcode == LOOKUP_SWITCH) {
            int table = at + 4 - (at - begin) % 4; // aligned to four bytes from the method's beginning
            int entries = opcode == LOOKUP_SWITCH
                    ? 2 * in.getInt(table + 4)
                    : 2 + in.getInt(table + 8) - in.getInt(table + 4);
            return table + 8 + 4 * entries - at;
        }
        if (opcode == WIDE) {
            return opcode(at + 1) == IINC ? 6 : 4;
        }
        if (opcode >= LENGTHS.length) {
            throw new IllegalStateException("instruction of unknown kind " + opcode);
        }
        return LENGTHS[opcode];
    }

    /** By opcode, up to {@code jsr_w}, the last; those of a length of its own each are left out. */
    private static byte[] instructionLengths() {
        byte[] lengths = new byte[202];
        Arrays.fill(lengths, (byte) 1);
        int[][] ranges = { // from, to, length
            {16, 16, 2}, {17, 17, 3}, {18, 18, 2}, {19, 20, 3}, {21, 25, 2}, {54, 58, 2}, {132, 132, 3}, {153, 168, 3},
            {169, 169, 2}, {178, 184, 3}, {185, 186, 5}, {187, 187, 3}, {188, 188, 2}, {189, 189, 3}, {192, 193, 3},
            {197, 197, 4}, {198, 199, 3}, {200, 201, 5}
        };
        for (int[] range : ranges) {
            Arrays.fill(lengths, range[0], range[1] + 1, (byte) range[2]);
        }
        return lengths;
    }

    private int opcode(int at) {
        return in.get(at) & 0xff;
    }

    private int unsigned(int at) {
        return in.getShort(at) & 0xffff;
    }
}
