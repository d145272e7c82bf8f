//! Directories and what is in them.

scenario!(
    fresh_chains,
    "
    repeat 40
      mkdir -p d$i/a/b/c/d
      write d$i/a/b/c/d/f x
      rename d$i/a/b/c d$i/moved
      write d$i/moved/g y
    end
"
);

scenario!(
    a_populated_tree_moved_in,
    "
    mkdir -p outside:t/a/b
    write outside:t/f one
    write outside:t/a/f two
    write outside:t/a/b/f three
    rename outside:t t
    settle
    write t/a/b/g four
    settle
    append t/f more
"
);

scenario!(
    a_populated_tree_moved_out_and_back,
    "
    mkdir -p t/a/b
    write t/f one
    write t/a/b/f two
    settle
    rename t outside:t
    known
    write outside:t/a/new three
    append outside:t/f more
    rm outside:t/a/b/f
    rename outside:t t
    settle
    rename t outside:t
    rename outside:t u
    settle
    rm -r u
"
);

// What is written where the tree went is none of our business.
scenario!(
    writes_after_the_move_out,
    "
    mkdir t
    write t/f one
    settle
    rename t outside:t
    write outside:t/g two
    append outside:t/f more
    settle
    mkdir t
    write t/h three
"
);

scenario!(
    a_directory_renamed,
    "
    mkdir -p d/e
    write d/f one
    write d/e/f two
    settle
    rename d g
    settle
    write g/e/h three
    rename g/e e
    settle
    write e/i four
"
);

scenario!(
    a_directory_renamed_over_an_empty_one,
    "
    mkdir d
    mkdir e
    write d/f one
    settle
    rename d e
    write e/g two
    settle
    mkdir d
    write d/f other
"
);

scenario!(
    ancestors_renamed_while_files_arrive,
    "
    mkdir -p a/b/c/d
    repeat 30
      write a/b/c/d/f$i x
      rename a/b a/m
      write a/m/c/d/g$i y
      rename a z
      write z/m/c/d/h$i z
      rename z/m z/b
      rename z a
    end
    settle
    open a/b/c/d/late half
    rename a y
    settle
    close a/b/c/d/late
"
);

scenario!(
    a_directory_deleted_and_recreated,
    "
    mkdir -p d/e
    write d/f one
    write d/e/f two
    settle
    rm -r d
    mkdir -p d/e
    write d/f three
    write d/e/g four
    settle
    repeat 20
      rm -r d
      mkdir -p d/e
      write d/e/f $i
    end
    settle
    rm -r d
    known
    write d file
    settle
    rm d
    mkdir d
    write d/f x
"
);

// Another directory takes the place of the root's child.
scenario!(
    a_child_of_the_root_replaced,
    "
    mkdir d
    write d/f one
    write d/g two
    mkdir -p outside:d/sub
    write outside:d/f other
    write outside:d/sub/h three
    settle
    rename d outside:old
    rename outside:d d
    write d/i four
    write outside:old/j none
    settle
    exchange d outside:old
    write d/k five
    write outside:old/l none
"
);

scenario!(
    exchange_of_two_directories,
    "
    mkdir -p a/x
    mkdir -p b/y
    write a/f one
    write b/f longer
    write a/x/f two
    write b/y/f three
    settle
    exchange a b
    write a/g four
    write b/g five
    settle
    exchange a/y b/x
    write a/y/h six
    settle
    repeat 9
      exchange a b
    end
    write a/last x
"
);

scenario!(
    a_file_and_a_directory_change_places,
    "
    mkdir d
    write d/f one
    write e two
    settle
    exchange d e
    write e/g three
    settle
    exchange d e
    settle
    append e more
"
);

scenario!(
    five_deep,
    "
    mkdir -p a/b/c/d/e
    write a/b/c/d/e/f x
    write a/b/g y
"
);

scenario!(
    sixty_deep,
    "
    mkdir -p {d/*59}d
    write {d/*60}f x
    write {d/*30}f y
    settle
    rename d e
    write e/{d/*58}g z
"
);

// The kernel takes no such path in one piece; what lies beside it arrives.
scenario!(
    beyond_the_longest_path,
    "
    mkdir -p {{d*200}/*25}end
    write {{d*200}/*25}end/f x
    mkdir beside
    write beside/f x
    write {{d*200}/*10}f y
    settle
    rm beside/f
    write {{d*200}/*10}g y
    append {{d*200}/*25}end/f more
"
);
