//! Names that programs stumble over.

scenario!(
    hostile_names,
    r"
    write a\nb one
    write \xff\xfe two
    write \s three
    write -rf four
    write $(id) five
    write \x1b[31m six
    write {x*255} seven
    write {\xc3\xa4*127} eight
    mkdir \n
    mkdir \n/\xff
    write \n/\xff/{y*255} nine
    mkdir {d*255}
    write {d*255}/f ten
    settle
    rename \n \xfe
    rename {d*255} \s\s
    rename a\nb a\rb
    append \xff\xfe more
"
);

scenario!(
    twins,
    r"
    write a one
    write A two
    write a\s three
    write \x61\xcc\x88 four
    write \xc3\xa4 five
    settle
    append A more
    rm a\s
"
);

scenario!(
    names_in_the_making,
    "
    write a.part one
    write .b.tmp two
    write c.filepart three
    mkdir d
    write d/e.part four
    settle
    rename a.part a
    rename d/e.part d/e
    settle
    rename a a.part
"
);
